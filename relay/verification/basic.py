"""User and password, as a URL of the form `https://user:password@…` makes most clients send them: RFC 7617."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from relay.domain import InboundRequest, Proof, Refusal, Secret
from relay.errors import SecretInvalid
from relay.verification._wire import as_sent, only_header, refuse_unlike, require_secrets

HEADER = "Authorization"


@dataclass(frozen=True, slots=True)
class BasicVerifier:
    """Believes who knows `user:password`, which is what each secret is. Errors: SecretInvalid."""

    needs_body: ClassVar[bool] = False

    secrets: tuple[Secret, ...]

    def __post_init__(self) -> None:
        require_secrets(self.secrets)
        if any(b":" not in secret.reveal() for secret in self.secrets):
            raise SecretInvalid("a secret of scheme basic is user:password")

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Compare user and password as one."""
        value = only_header(request, HEADER)
        if isinstance(value, Refusal):
            return value
        credentials = _credentials(as_sent(value))
        return Refusal.MALFORMED if credentials is None else refuse_unlike(self.secrets, credentials)

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Set the header."""
        return Proof({HEADER: "Basic " + base64.b64encode(self.secrets[0].reveal()).decode()})


def _credentials(value: bytes) -> bytes | None:
    """Return `user:password`, or None where the value is not of the scheme's form."""
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    return credentials if b":" in credentials else None


SCHEME = BasicVerifier
