"""How we prove ourselves to a target: one way a module, found by its name.

Each module's `AUTH` takes the settings that its parameters name, and a `Caller` for what must be fetched. It makes a
`Proof`, where one fits every request, or a `Prover`, which makes one for each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from relay import registry
from relay.clock import Clock
from relay.domain import Auth, Outcome
from relay.targets.exchange import Answer

MASK = "***"


@dataclass(frozen=True, slots=True)
class Proof:
    """What makes a request ours. secrets: what of it is never shown, should a target repeat it."""

    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()  # not yet percent-encoded
    secrets: tuple[str, ...] = ()

    def masked(self) -> "Proof":
        """Return it as it may be shown."""
        headers = tuple((name, MASK) for name, _ in self.headers)
        return Proof(headers, tuple((name, MASK) for name, _ in self.query))


NO_PROOF = Proof()


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why no proof could be had: the target's failure, as its other failures are."""

    outcome: Outcome
    detail: str
    status: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request about to be sent, as a proof may cover it."""

    id: str  # the event's, the same at every attempt
    method: str
    origin: str  # "https://erp.example.com"
    path: str  # as sent, percent-encoded
    query: str  # as sent, without "?"
    body: bytes


@dataclass(frozen=True, slots=True)
class Errand:
    """A request that fetches a proof."""

    url: str
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Prover(Protocol):
    """Makes a proof for each request."""

    @property
    def shown(self) -> Proof:
        """Return which headers and parameters a proof sets, their values masked."""
        ...

    async def prove(self, request: Outgoing, deadline: float) -> Proof | Unproven:
        """Prove a request before `deadline`, by the loop's clock."""
        ...

    def renew(self, refused: Proof) -> bool:
        """Hear that the target answered 401. Tells whether another proof may do."""
        ...

    async def close(self) -> None:
        """Let go of what is under way."""
        ...


class Caller(Protocol):
    """Runs errands: through the same guard, and with the same bounds, as deliveries."""

    @property
    def clock(self) -> Clock:
        """Return what proofs age by."""
        ...

    async def call(self, errand: Errand) -> Answer | Unproven:
        """Make one request, within the target's time-out. Its answer is kept up to 64 KiB."""
        ...

    def judge(self, answer: Answer) -> Unproven | None:
        """Say why an answer is none that can be used, or None."""
        ...


def names() -> tuple[str, ...]:
    """List every way."""
    return registry.names_in(__name__)


def prover(auth: Auth, caller: Caller) -> Proof | Prover:
    """Build what proves. Errors: KeyError."""
    build: Callable[..., Proof | Prover] = registry.load(__name__, auth.scheme, "AUTH")
    settings: Mapping[str, object] = auth.settings
    return build(caller, **settings)
