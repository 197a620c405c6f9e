"""What a harness is, and where each has its corpus."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from relay import registry

CORPUS = Path(__file__).parent / "corpus"
PACKAGE = "tests.fuzz.harnesses"
INPUT_BYTES_MAX = 8192


@dataclass(frozen=True, slots=True)
class Harness:
    """What is tried with an input, and the ordinary inputs to begin with.

    runs: how many inputs are made each time the tests are run; fewer where each takes long.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    runs: int = 2000


def names() -> tuple[str, ...]:
    """List every harness."""
    return registry.names_in(PACKAGE)


def find(name: str) -> Harness:
    """Return the harness of that name. Errors: KeyError."""
    harness: Harness = registry.load(PACKAGE, name, "HARNESS")
    return harness


def corpus_of(name: str) -> Path:
    """Return the folder with the inputs that are kept."""
    return CORPUS / name
