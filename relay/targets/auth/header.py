"""A fixed value in a header."""

from relay.domain import Secret
from relay.targets.auth import Caller, Proof


def prove(_: Caller, name: str, value: Secret) -> Proof:
    """Make the header of every request."""
    return Proof(headers=((name, value.text()),), secrets=(value.text(),))


AUTH = prove
