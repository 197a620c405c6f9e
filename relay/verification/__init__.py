"""How requests are proven: one signature scheme a module, found by its name.

Each module's `SCHEME` builds a verifier from the settings that its parameters name.
"""

from collections.abc import Callable
from datetime import datetime

from relay import registry
from relay.domain import InboundRequest, KeyWanted, Proof, Refusal, Source, Verifier


def names() -> tuple[str, ...]:
    """List every scheme."""
    return registry.names_in(__name__)


def find(name: str) -> Callable[..., Verifier]:
    """Return what builds a verifier of that scheme. Errors: KeyError."""
    scheme: Callable[..., Verifier] = registry.load(__name__, name, "SCHEME")
    return scheme


def verify(request: InboundRequest, source: Source, now: datetime) -> Refusal | KeyWanted | None:
    """Ask every verifier of a source; the first refusal stands. A source without any believes nobody."""
    for verifier in source.verifiers:
        if (refusal := verifier.verify(request, now)) is not None:
            return refusal
    return None if source.verifiers else Refusal.MISSING


def key_used(request: InboundRequest, source: Source, now: datetime) -> int:
    """Return the position, from 1, of the secret that proves a request which is proven."""
    for position, verifiers in enumerate(source.keyrings, 1):
        if all(verifier.verify(request, now) is None for verifier in verifiers):
            return position
    return 1


def refuse_early(request: InboundRequest, source: Source, now: datetime) -> Refusal | None:
    """Ask those verifiers that need no body, of a request whose body has not been read."""
    early = (verifier.verify(request, now) for verifier in source.verifiers if not verifier.needs_body)
    return next((refusal for refusal in early if isinstance(refusal, Refusal)), None)


def sign(request: InboundRequest, source: Source, now: datetime) -> Proof:
    """Make everything that a genuine sender of this source would add to a request."""
    proofs = [verifier.sign(request, now) for verifier in source.verifiers]
    headers = {name: value for proof in proofs for name, value in proof.headers.items()}
    return Proof(
        headers,
        next((proof.token for proof in proofs if proof.token), None),
        next((proof.body for proof in proofs if proof.body is not None), None),
    )
