"""A secret in the URL's path or query, for senders that can be given nothing but a URL."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from relay.domain import InboundRequest, Proof, Refusal, Secret
from relay.verification._wire import as_sent, refuse_unlike, require_secrets


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Believes who knows the token. Errors: SecretInvalid."""

    needs_body: ClassVar[bool] = False

    secrets: tuple[Secret, ...]

    def __post_init__(self) -> None:
        require_secrets(self.secrets)

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Compare the token that the URL carries."""
        if not request.token:
            return Refusal.MISSING
        return refuse_unlike(self.secrets, as_sent(request.token))

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Ask for the token in the URL's path."""
        return Proof(token=self.secrets[0].text())


SCHEME = TokenVerifier
