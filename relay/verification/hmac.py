"""A keyed digest of the request: RFC 2104, in nearly every vendor's form. It is compared in constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from relay.domain import Secret
from relay.errors import SecretInvalid
from relay.verification._signature import TOLERANCE, SignatureVerifier

__all__ = ["TOLERANCE", "DigestVerifier", "HmacVerifier"]

Algorithm = Literal["sha1", "sha256", "sha512"]
KeyForm = Literal["text", "hex", "base64"]

KEY_PREFIX = b"whsec_"  # before base64: the Standard Webhooks' mark


class Digest(Protocol):
    """What hashlib and hmac make."""

    def copy(self) -> "Digest":
        """Return another with the same beginning."""

    def update(self, piece: bytes, /) -> None:
        """Go on."""

    def digest(self) -> bytes:
        """Return the digest of all so far."""


@dataclass(frozen=True, slots=True)
class DigestVerifier(SignatureVerifier):
    """Believes who can digest what is signed together with one of the secrets.

    key_from: how the key is written in the secret; base64 may follow `whsec_`.
    """

    algorithm: Algorithm = "sha256"
    key_from: KeyForm = "text"
    _claim_bytes: int = field(init=False, repr=False, compare=False)  # how long a digest is, encoded
    _keyed: tuple[Digest, ...] = field(init=False, repr=False, compare=False)  # one a secret, to be copied

    def __post_init__(self) -> None:
        SignatureVerifier.__post_init__(self)
        keyed = tuple(self._begun(key_of(secret, self.key_from).reveal()) for secret in self.secrets)
        object.__setattr__(self, "_keyed", keyed)
        object.__setattr__(self, "_claim_bytes", len(self._encoded(hashlib.new(self.algorithm).digest())))

    def _begun(self, key: bytes) -> Digest:
        """Begin a digest with the key."""
        raise NotImplementedError

    def _has_form(self, claim: bytes) -> bool:
        return len(claim) == self._claim_bytes

    def _is_genuine(self, claims: Sequence[bytes], pieces: Iterable[bytes]) -> bool:
        """Compare every claim with every secret's digest, whichever of them matches."""
        digests = [self._encoded(_digest(keyed, pieces)) for keyed in self._keyed]
        matches = [hmac.compare_digest(digest, claim) for digest in digests for claim in claims]
        return any(matches)

    def _signature(self, pieces: Iterable[bytes]) -> bytes:
        return _digest(self._keyed[0], pieces)


@dataclass(frozen=True, slots=True)
class HmacVerifier(DigestVerifier):
    """Believes who can sign with one of the secrets."""

    def _begun(self, key: bytes) -> Digest:
        return hmac.new(key, digestmod=self.algorithm)


def _digest(keyed: Digest, pieces: Iterable[bytes]) -> bytes:
    """Digest what is signed. A copy of what has its key costs less than to begin with the key."""
    mac = keyed.copy()
    for piece in pieces:
        mac.update(piece)
    return mac.digest()


def key_of(secret: Secret, form: KeyForm) -> Secret:
    """Return the key that a secret stands for. Errors: SecretInvalid."""
    try:
        key = _DECODERS[form](secret.reveal())
    except (binascii.Error, ValueError):
        key = b""
    if not key.strip():
        raise SecretInvalid(f"the secret is not a key in {form}")
    return Secret(key)


def _from_base64(text: bytes) -> bytes:
    encoded = text.removeprefix(KEY_PREFIX)
    return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)


_DECODERS: Mapping[KeyForm, Callable[[bytes], bytes]] = {
    "text": bytes,
    "hex": binascii.unhexlify,
    "base64": _from_base64,
}

SCHEME = HmacVerifier
