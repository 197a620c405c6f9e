"""All faults, by name: those of each module in `kinds`, so that a new file is a new row of the table."""

from relay import registry
from tests.faults.fault import Fault

KINDS = "tests.faults.kinds"


def faults() -> dict[str, Fault]:
    """Return every fault, in the order of their modules."""
    found = [fault for name in registry.names_in(KINDS) for fault in registry.load(KINDS, name, "FAULTS")]
    return {fault.name: fault for fault in found}
