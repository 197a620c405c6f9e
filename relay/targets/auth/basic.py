"""User and password. Source: RFC 7617."""

from base64 import b64encode

from relay.domain import Secret
from relay.targets.auth import Caller, Proof


def prove(_: Caller, user: Secret, password: Secret) -> Proof:
    """Make the header of every request."""
    encoded = b64encode(user.reveal() + b":" + password.reveal()).decode()
    return Proof(headers=(("Authorization", f"Basic {encoded}"),), secrets=(encoded, password.text()))


AUTH = prove
