"""A signed token (JWT, RFC 7519) in a header, which may name the body and the URL by their digests.

The algorithm is the configuration's, never the token's: a public key is never taken for a shared secret.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, ClassVar, Literal, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from jwt.types import Options

from relay.domain import InboundRequest, Proof, Refusal, Secret
from relay.errors import SecretInvalid, SigningImpossible
from relay.verification._public_keys import read_private, read_public
from relay.verification._wire import as_sent, only_header, require_secrets

SharedAlgorithm = Literal["HS256", "HS384", "HS512"]
Algorithm = Literal[SharedAlgorithm, "RS256", "ES256", "EdDSA"]

TOLERANCE = timedelta(seconds=300)
LIFETIME_S = 60
SHARED_BYTES_MIN: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2
_KINDS: Mapping[str, tuple[type[Any], type[Any]]] = {
    "RS256": (RSAPublicKey, RSAPrivateKey),
    "ES256": (EllipticCurvePublicKey, EllipticCurvePrivateKey),
    "EdDSA": (Ed25519PublicKey, Ed25519PrivateKey),
}
_UNTIMED: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}  # the clock is ours


@dataclass(frozen=True, slots=True)
class JwtVerifier:
    """Believes who signs a token with one of the secrets, or with the private half of one of the public keys.

    body_claim, url_claim: which claim holds the SHA-256 of the body, or of the URL, in hex. Without `body_claim` a
    token fits every body, as a header's fixed value does. tolerance: how far the token's times may be from ours.
    Errors: SecretInvalid.
    """

    needs_body: ClassVar[bool] = True

    secrets: tuple[Secret, ...]
    header: str = "Authorization"
    prefix: str = ""
    algorithm: Algorithm = "HS256"
    issuer: str | None = None
    audience: str | None = None
    body_claim: str | None = None
    url_claim: str | None = None
    tolerance: timedelta = TOLERANCE
    _keys: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_secrets(self.secrets)
        object.__setattr__(self, "_keys", tuple(key_of(secret, self.algorithm) for secret in self.secrets))

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Judge form, signature, what is named, and time, in this order."""
        value = only_header(request, self.header)
        if isinstance(value, Refusal):
            return value
        if not value.startswith(self.prefix):
            return Refusal.MALFORMED
        claims = self._claims(value.removeprefix(self.prefix))
        if isinstance(claims, Refusal):
            return claims
        if not self._names(request, claims):
            return Refusal.MISMATCH
        return self._judge_times(claims, now.timestamp())

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Set the header. Errors: SigningImpossible, where the key only verifies."""
        now_s = int(now.timestamp())
        said = {"iss": self.issuer, "aud": self.audience, "iat": now_s, "nbf": now_s, "exp": now_s + LIFETIME_S}
        claims = {name: value for name, value in {**said, **self._digests(request)}.items() if value is not None}
        token = jwt.encode(claims, _signing_key(self.secrets[0], self.algorithm), self.algorithm)
        return Proof({self.header: self.prefix + token})

    def _claims(self, token: str) -> dict[str, Any] | Refusal:
        """Return the claims of a token that one of the keys has signed."""
        refusal = Refusal.MALFORMED
        for key in self._keys:
            try:
                return jwt.decode(
                    token, key, [self.algorithm], options=_UNTIMED, issuer=self.issuer, audience=self.audience
                )
            except (jwt.InvalidSignatureError, jwt.InvalidIssuerError, jwt.InvalidAudienceError):
                refusal = Refusal.MISMATCH
            except (jwt.PyJWTError, ValueError):  # a lone surrogate is a ValueError: no token has one
                continue
        return refusal

    def _digests(self, request: InboundRequest) -> dict[str, str]:
        """Return the claims by which a token names a request."""
        named = {}
        if self.body_claim is not None:
            named[self.body_claim] = hashlib.sha256(request.body).hexdigest()
        if self.url_claim is not None:
            named[self.url_claim] = hashlib.sha256(as_sent(request.url)).hexdigest()
        return named

    def _names(self, request: InboundRequest, claims: Mapping[str, Any]) -> bool:
        """Compare the digests. An empty body need not be named; a token that names another one is not for it."""
        digests = self._digests(request)
        if self.body_claim is not None and not request.body and self.body_claim not in claims:
            del digests[self.body_claim]
        return all(_is_same(claims.get(name), digest) for name, digest in digests.items())

    def _judge_times(self, claims: Mapping[str, Any], now_s: float) -> Refusal | None:
        """Insist on a token that was made for now: until `exp`, or for as long as `iat` is within the tolerance."""
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        if not all(isinstance(at_s, int | float) and not isinstance(at_s, bool) for at_s in times.values()):
            return Refusal.MALFORMED
        off_s = self.tolerance.total_seconds()
        ends_s = times.get("exp", times.get("iat"))
        if ends_s is None:
            return Refusal.MALFORMED
        begins_s = max(times.get("nbf", 0), times.get("iat", 0))
        # Compared, not reckoned with: a time may have more digits than a float can hold.
        return None if begins_s <= now_s + off_s and ends_s >= now_s - off_s else Refusal.STALE


def key_of(secret: Secret, algorithm: Algorithm) -> Any:
    """Read what verifies. Errors: SecretInvalid."""
    if algorithm in get_args(SharedAlgorithm):
        least = SHARED_BYTES_MIN[algorithm]
        if len(secret.reveal()) < least:
            raise SecretInvalid(f"expected at least {least} bytes, which {algorithm} needs")
        return secret.reveal()
    public, private = _KINDS[algorithm]
    own = read_private(secret, private)
    key = own.public_key() if own is not None else read_public(secret, public)
    if key is None:
        raise SecretInvalid(f"expected a public key for {algorithm}: PEM, or base64 of the same")
    return key


def _signing_key(secret: Secret, algorithm: Algorithm) -> Any:
    if algorithm in get_args(SharedAlgorithm):
        return secret.reveal()
    private = read_private(secret, _KINDS[algorithm][1])
    if private is None:
        raise SigningImpossible("jwt", algorithm)
    return private


def _is_same(claimed: object, digest: str) -> bool:
    return isinstance(claimed, str) and compare_digest(as_sent(claimed), digest.encode())


SCHEME = JwtVerifier
