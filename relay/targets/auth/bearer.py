"""A fixed token. Source: RFC 6750, 2.1."""

from relay.domain import Secret
from relay.targets.auth import Caller, Proof


def prove(_: Caller, token: Secret) -> Proof:
    """Make the header of every request."""
    return Proof(headers=(("Authorization", f"Bearer {token.text()}"),), secrets=(token.text(),))


AUTH = prove
