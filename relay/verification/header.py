"""A fixed value in a header of the sender's or the reader's choice."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from relay.domain import InboundRequest, Proof, Refusal, Secret
from relay.verification._wire import as_sent, only_header, refuse_unlike, require_secrets


@dataclass(frozen=True, slots=True)
class HeaderVerifier:
    """Believes who sends the value. Errors: SecretInvalid."""

    needs_body: ClassVar[bool] = False

    header: str
    secrets: tuple[Secret, ...]

    def __post_init__(self) -> None:
        require_secrets(self.secrets)

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Compare the header's whole value."""
        value = only_header(request, self.header)
        return value if isinstance(value, Refusal) else refuse_unlike(self.secrets, as_sent(value))

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Set the header."""
        return Proof({self.header: self.secrets[0].text()})


SCHEME = HeaderVerifier
