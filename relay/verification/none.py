"""No proof at all: for senders that sign nothing, behind a network that is trusted. Only when spelled out."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from relay.domain import InboundRequest, Proof, Refusal


@dataclass(frozen=True, slots=True)
class NoVerifier:
    """Believes everybody."""

    needs_body: ClassVar[bool] = False

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Accept."""
        return None

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Add nothing."""
        return Proof()


SCHEME = NoVerifier
