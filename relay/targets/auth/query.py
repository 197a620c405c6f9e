"""A secret in the URL's query, which is shown nowhere."""

from relay.domain import Secret
from relay.targets.auth import Caller, Proof


def prove(_: Caller, name: str, value: Secret) -> Proof:
    """Make the parameter of every request."""
    return Proof(query=((name, value.text()),), secrets=(value.text(),))


AUTH = prove
