"""Why a request is not proven: what would have matched, found by undoing what often happens on the way.

For an operator who holds the secrets, never for the network: to be told what nearly matched helps a forger most of all.
No sentence repeats a secret or a signature.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.domain import InboundRequest, KeyWanted, Refusal, Secret, Source, Verifier
from relay.explaining.acceptance import explain_proven
from relay.explaining.fixed import explain_fixed
from relay.explaining.signatures import explain_signature
from relay.explaining.tokens import explain_token
from relay.verification._signature import SignatureVerifier
from relay.verification.jwt import JwtVerifier


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a request is accepted, and otherwise what is most likely wrong, in words."""

    refusal: Refusal | None
    findings: tuple[str, ...]


def explain(
    request: InboundRequest, source: Source, now: datetime, others: Mapping[str, Sequence[Secret]] | None = None
) -> Explanation:
    """Judge a request as its source would, and say why it is refused.

    now: when it was received. others: the secrets of other sources, by name: one may stand in the wrong place.
    """
    if not source.verifiers:
        return Explanation(Refusal.MISSING, ("the source has no secret yet: every request is refused",))
    verdicts = [(verifier, verifier.verify(request, now)) for verifier in source.verifiers]
    refused = [(verifier, refusal) for verifier, refusal in verdicts if refusal is not None]
    if not refused:
        refusal, words = explain_proven(request, source, now)
        return Explanation(refusal, (words,))
    findings = [words for verifier, refusal in refused for words in _findings(request, verifier, refusal, now, others)]
    first = refused[0][1]
    return Explanation(Refusal.MISMATCH if isinstance(first, KeyWanted) else first, (*_of_length(request), *findings))


def secrets_of(source: Source) -> tuple[Secret, ...]:
    """Return what a source compares with."""
    return next((verifier.secrets for verifier in source.verifiers if hasattr(verifier, "secrets")), ())


def _findings(
    request: InboundRequest,
    verifier: Verifier,
    refusal: Refusal | KeyWanted,
    now: datetime,
    others: Mapping[str, Sequence[Secret]] | None,
) -> Iterator[str]:
    if isinstance(refusal, KeyWanted):
        yield "the vendor's certificate would have to be fetched to tell, which is not done here"
        return
    match verifier:
        case SignatureVerifier():
            yield from explain_signature(request, verifier, refusal, now, others or {})
        case JwtVerifier():
            yield from explain_token(request, verifier, refusal, now)
        case _:
            yield from explain_fixed(request, verifier, refusal)


def _of_length(request: InboundRequest) -> Iterator[str]:
    """Tell of a body that is not as long as its head says."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) != len(request.body):
        yield (
            f"Content-Length says {int(declared):,} bytes, and the body has {len(request.body):,}: it was cut, "
            "re-encoded, or changed by what captured it"
        )
