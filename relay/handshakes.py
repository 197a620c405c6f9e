"""Handshakes: how a vendor finds out that an address is ours. Answered, never stored.

A vendor asks in one of four ways, and none of them makes the relay say to a stranger what only a holder of the
secret could say:

    by GET or HEAD      it is echoed what it sent; where the vendor proves itself by a token, only for that; where it
                        signs its query, only for that, and what it sent comes back signed
    by POST, proven     the request has passed the source's `verify` like any event
    by POST, knowing    not signed yet, but its body names a secret that we were given
    by POST, offering   its body brings the secret that all else will be signed with; only while the source has none
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from typing import Literal
from urllib.parse import parse_qs

import orjson

from relay.domain import Answer, Document, InboundRequest, Refusal, Secret
from relay.errors import ExpressionFailed
from relay.expressions import CompiledExpression, compile_expression, is_true
from relay.identity import parse

CHALLENGE_CHARACTERS_MAX = 1024
PARAMETERS_MAX = 100
TEXT = "text/plain"
CHALLENGE, HMAC, HMAC_BASE64 = "{challenge}", "{hmac}", "{hmac_base64}"
SIGNED_PREFIX = "sha256="


@dataclass(frozen=True, slots=True)
class Handshake:
    """One question of a vendor, and its answer.

    challenge: where it stands: a parameter of the query, a header for `header:NAME`, for POST an expression over the
    body; None: there is none. when: for POST, an expression over the body that is true for this question alone.
    equals: parameters of the query that must be so. token: the parameter that must be the source's `verify_token`.
    signed: for GET, the header in which the query is signed, as `sha256=` and its HMAC-SHA256 in base64.
    knows: for POST, an expression over the body of an unsigned request, whose value must be one of the secrets.
    offers: for POST, an expression over the body of an unsigned request, whose value is to become the secret.
    answer: text, or what becomes JSON; in its texts {challenge} stands for the challenge and, after a proof only,
    {hmac} and {hmac_base64} for its HMAC-SHA256 by the secret that was used. content_type: of a text.
    """

    method: Literal["GET", "HEAD", "POST"]
    answer: str | Mapping[str, object] = CHALLENGE
    challenge: str | None = None
    when: str | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    signed: str | None = None
    knows: str | None = None
    offers: str | None = None
    status: int = 200
    content_type: str = TEXT
    _when: CompiledExpression | None = field(init=False, repr=False, compare=False)
    _challenge: CompiledExpression | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_post = self.method == "POST"
        text = self.when or self.knows or self.offers
        object.__setattr__(self, "_when", compile_expression(text) if text else None)
        reads = is_post and self.challenge is not None
        object.__setattr__(self, "_challenge", compile_expression(str(self.challenge)) if reads else None)
        if is_post != (text is not None):
            raise ValueError("a POST is told from an event by `when`, `knows` or `offers`, and nothing else is")
        if self.needs_secret and (self.is_unproven or not (is_post or self.signed)):
            raise ValueError("a digest by the secret is for those who have proven that they know it")

    @property
    def is_unproven(self) -> bool:
        """Tell whether it asks without a proof, in a body that names a secret."""
        return bool(self.knows or self.offers)

    @property
    def needs_secret(self) -> bool:
        """Tell whether the answer is made with the secret."""
        return HMAC in str(self.answer) or HMAC_BASE64 in str(self.answer)

    def found_in_head(self, request: InboundRequest, verify_token: Secret | None) -> str | Refusal:
        """Return the challenge of a GET or HEAD, or say why it is none."""
        query = _parameters(request.query_string)
        if any(query.get(name) != [value] for name, value in self.equals.items()):
            return Refusal.MALFORMED
        if self.token is not None and not _is_token(query.get(self.token, []), verify_token):
            return Refusal.MISMATCH
        if self.challenge is None:
            return ""
        name = self.challenge.removeprefix("header:")
        values = request.headers.getall(name, []) if name != self.challenge else query.get(name, [])
        if not values:
            return Refusal.MISSING
        return values[0] if len(values) == 1 and _can_be_said(values[0]) else Refusal.MALFORMED

    def proven_in_head(self, request: InboundRequest, secrets: Sequence[Secret]) -> Secret | Refusal:
        """Return the secret by which the query of a GET is signed."""
        claimed = request.headers.getall(str(self.signed), [])
        if len(claimed) != 1:
            return Refusal.MALFORMED if claimed else Refusal.MISSING
        query = request.query_string.encode("utf-8", "surrogateescape")
        is_by = [
            compare_digest(_signature(secret, query), claimed[0].encode("utf-8", "surrogateescape"))
            for secret in secrets
        ]
        return secrets[is_by.index(True)] if any(is_by) else Refusal.MISMATCH

    def found_in_body(self, value: object) -> str | None:
        """Return the challenge of a POST whose body is this, or None where it is an event."""
        try:
            if self._when is None or not is_true(self._when(value)):
                return None
            found = self._challenge(value) if self._challenge is not None else ""
        except ExpressionFailed:
            return None
        return found if isinstance(found, str) and len(found) <= CHALLENGE_CHARACTERS_MAX else None

    def known_in_body(self, value: object, secrets: Sequence[Secret]) -> bool:
        """Tell whether an unsigned body names one of the secrets."""
        named = self._named(value) if self.knows else None
        if named is None:
            return False
        claimed = named.encode("utf-8", "surrogatepass")
        matches = [compare_digest(secret.reveal(), claimed) for secret in secrets]
        return any(matches)

    def offered_in_body(self, value: object) -> Secret | None:
        """Return the secret that an unsigned body brings: short and plain, as one for a configuration file is."""
        named = self._named(value) if self.offers else None
        return Secret(named) if named is not None and _can_be_said(named) else None

    def _named(self, value: object) -> str | None:
        try:
            named = self._when(value) if self._when is not None else None
        except ExpressionFailed:
            return None
        return named if isinstance(named, str) else None

    def answered(self, challenge: str, secret: Secret | None) -> Answer:
        """Make the answer."""
        marks = {CHALLENGE: challenge}
        if self.needs_secret and secret is not None:
            digest = hmac.digest(secret.reveal(), challenge.encode("utf-8", "surrogatepass"), "sha256")
            marks |= {HMAC: digest.hex(), HMAC_BASE64: b64encode(digest).decode()}
        if isinstance(self.answer, str):
            return Answer(self.status, _filled(self.answer, marks).encode("utf-8", "replace"), self.content_type)
        said = {name: _filled(value, marks) if isinstance(value, str) else value for name, value in self.answer.items()}
        return Answer(self.status, orjson.dumps(said), "application/json")


@dataclass(frozen=True, slots=True)
class Handshakes:
    """All handshakes of a source. Fulfils `relay.domain.Greeting`."""

    steps: tuple[Handshake, ...]
    secrets: tuple[Secret, ...] = ()
    verify_token: Secret | None = None

    def answer_head(self, request: InboundRequest) -> Answer | Refusal | None:
        """Answer a GET or HEAD; None: this vendor asks no such question."""
        result: Answer | Refusal | None = None
        for step in self.steps:
            if step.method == request.method:
                result = self._answered_by(step, request)
                if isinstance(result, Answer):
                    return result
        return result

    def _answered_by(self, step: Handshake, request: InboundRequest) -> Answer | Refusal:
        proven = step.proven_in_head(request, self.secrets) if step.signed is not None else None
        if isinstance(proven, Refusal):
            return proven
        found = step.found_in_head(request, self.verify_token)
        return found if isinstance(found, Refusal) else step.answered(found, proven)

    def answer_proven(self, document: Document, key: int) -> Answer | None:
        """Answer a POST that has been proven. key: the position of the secret that was used, from 1."""
        if not document.is_json:
            return None
        for step in self.steps:
            if step.is_unproven or (step.needs_secret and not self.secrets):
                continue
            challenge = step.found_in_body(document.value)
            if challenge is not None:
                return step.answered(challenge, self.secrets[key - 1] if self.secrets else None)
        return None

    def answer_unproven(self, request: InboundRequest) -> Answer | None:
        """Answer a POST that is not proven, but names a secret of ours, or offers one while we have none."""
        asking = [step for step in self.steps if step.is_unproven]
        if not asking:
            return None
        value = parse(request.body).value
        for step in asking:
            if step.known_in_body(value, self.secrets):
                return step.answered("", None)
            if not self.secrets and (offered := step.offered_in_body(value)) is not None:
                return replace(step.answered("", None), offered=offered)
        return None


def _signature(secret: Secret, message: bytes) -> bytes:
    return SIGNED_PREFIX.encode() + b64encode(hmac.digest(secret.reveal(), message, "sha256"))


def _parameters(query: str) -> Mapping[str, list[str]]:
    try:
        return parse_qs(query, errors="surrogateescape", max_num_fields=PARAMETERS_MAX)
    except ValueError:  # more than any vendor sends
        return {}


def _is_token(claimed: Sequence[str], token: Secret | None) -> bool:
    if token is None or len(claimed) != 1:
        return False
    return compare_digest(token.reveal(), claimed[0].encode("utf-8", "surrogateescape"))


def _can_be_said(challenge: str) -> bool:
    """Tell whether a stranger's text may be echoed: short, and plain."""
    is_plain = challenge.isascii() and challenge.isprintable()
    return is_plain and 0 < len(challenge) <= CHALLENGE_CHARACTERS_MAX


def _filled(text: str, marks: Mapping[str, str]) -> str:
    """Put the values in place of their marks, each mark once: what a value holds is not looked at again."""
    for mark, value in marks.items():
        before, found, after = text.partition(mark)
        if found:
            return _filled(before, marks) + value + _filled(after, marks)
    return text
