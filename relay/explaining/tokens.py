"""Why a signed token (JWT) is refused."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import jwt

from relay.domain import InboundRequest, Refusal
from relay.explaining.requests import with_other_bodies, with_other_urls
from relay.explaining.secrets import meant
from relay.verification._wire import as_sent
from relay.verification.jwt import SHARED_BYTES_MIN, JwtVerifier

UNCHECKED: Any = {"verify_signature": False}


def explain_token(request: InboundRequest, verifier: JwtVerifier, refusal: Refusal, now: datetime) -> Iterator[str]:
    """Say what is wrong with a token: its place, its key, what it names, its time."""
    if verifier.header not in request.headers:
        yield f"the header {verifier.header} is not there"
        return
    token = request.headers[verifier.header].strip().removeprefix(verifier.prefix)
    try:
        said, claims = jwt.get_unverified_header(token), jwt.decode(token, options=UNCHECKED)
    except jwt.PyJWTError:
        yield f"what stands in {verifier.header} is no token: it was cut, or `prefix` is wrong"
        return
    findings = [*_of_settings(said, claims, verifier), *_of_claims(request, claims, verifier)]
    findings += _of_key(request, token, verifier)
    if refusal is Refusal.STALE:
        findings.append(_of_time(claims, now))
    yield from findings or [
        "nothing that is known to happen on the way explains it: most likely the key is another one"
    ]


def _of_settings(said: Mapping[str, Any], claims: Mapping[str, Any], verifier: JwtVerifier) -> Iterator[str]:
    if said.get("alg") != verifier.algorithm:
        yield f"the token is signed by another algorithm than {verifier.algorithm}, which is configured"
    for name, wanted in (("iss", verifier.issuer), ("aud", verifier.audience)):
        if wanted is not None and claims.get(name) != wanted:
            yield f"the token's `{name}` is not {wanted!r}, which is configured"


def _of_claims(request: InboundRequest, claims: Mapping[str, Any], verifier: JwtVerifier) -> Iterator[str]:
    named = claims.get(verifier.body_claim or "")
    if verifier.body_claim is not None and named != _digest(request.body):
        found = (words for words, it in with_other_bodies(request) if named == _digest(it.body))
        yield f"the token names another body: {next(found, 'it was changed, or belongs to another request')}"
    named = claims.get(verifier.url_claim or "")
    if verifier.url_claim is not None and named != _digest(as_sent(request.url)):
        found = (words for words, it in with_other_urls(request) if named == _digest(as_sent(it.url)))
        yield f"the token names another URL: {next(found, 'see `server.public_url`')}"


def _of_key(request: InboundRequest, token: str, verifier: JwtVerifier) -> Iterator[str]:
    """Look for the key with which the token would match; only shared keys can be miscopied and still be one."""
    if not verifier.algorithm.startswith("HS") or any(_is_by(token, it.reveal(), verifier) for it in verifier.secrets):
        return
    for words, secret in meant(verifier.secrets, {}):
        if _is_by(token, secret.reveal(), verifier):
            yield f"it would match, but for this: {words}"
            return
    yield "the token is signed with another secret"


def _is_by(token: str, key: bytes, verifier: JwtVerifier) -> bool:
    if len(key) < SHARED_BYTES_MIN[verifier.algorithm]:
        return False
    checks: Any = {
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "verify_aud": False,
        "verify_iss": False,
    }
    try:
        jwt.decode(token, key, [verifier.algorithm], options=checks)
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def _of_time(claims: Mapping[str, Any], now: datetime) -> str:
    at_s = claims.get("exp", claims.get("iat"))
    off = f" (by {abs(now.timestamp() - at_s) / 60:.0f} minutes)" if isinstance(at_s, int | float) else ""
    return f"the token is not valid at the time it was received{off}: a clock is off, or it was captured earlier"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
