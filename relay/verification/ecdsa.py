"""Signatures by ECDSA on P-256 with SHA-256, in DER (FIPS 186-5): we hold the vendor's public key."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from relay.domain import Secret
from relay.errors import SecretInvalid, SigningImpossible
from relay.verification._public_keys import read_private, read_public
from relay.verification._signature import SignatureVerifier

SIGNATURE_BYTES = range(8, 73)  # DER leaves leading zeros out


@dataclass(frozen=True, slots=True)
class EcdsaVerifier(SignatureVerifier):
    """Believes who signs with the private half of one of the keys.

    Each secret is a public key: PEM, or base64 of the same (SPKI); or, for tests that sign, a private key in PEM.
    """

    _keys: tuple[EllipticCurvePublicKey, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        SignatureVerifier.__post_init__(self)
        object.__setattr__(self, "_keys", tuple(map(public_key, self.secrets)))

    def _has_form(self, claim: bytes) -> bool:
        decoded = self._decoded(claim)
        return decoded is not None and len(decoded) in SIGNATURE_BYTES

    def _is_genuine(self, claims: Sequence[bytes], pieces: Iterable[bytes]) -> bool:
        signatures = [self._decoded(claim) or b"" for claim in claims]
        digest = _digest(pieces)
        return any(_is_by(key, signature, digest) for key in self._keys for signature in signatures)

    def _signature(self, pieces: Iterable[bytes]) -> bytes:
        private: EllipticCurvePrivateKey | None = read_private(self.secrets[0], EllipticCurvePrivateKey)
        if private is None:
            raise SigningImpossible("ecdsa")
        return private.sign(_digest(pieces), ECDSA(Prehashed(SHA256())))


def public_key(secret: Secret) -> EllipticCurvePublicKey:
    """Read a key. Errors: SecretInvalid."""
    private: EllipticCurvePrivateKey | None = read_private(secret, EllipticCurvePrivateKey)
    key: EllipticCurvePublicKey | None = (
        private.public_key() if private is not None else read_public(secret, EllipticCurvePublicKey)
    )
    if key is None or not isinstance(key.curve, SECP256R1):
        raise SecretInvalid("expected a public key on P-256: PEM, or base64 of the same")
    return key


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _is_by(key: EllipticCurvePublicKey, signature: bytes, digest: bytes) -> bool:
    try:
        key.verify(signature, digest, ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


SCHEME = EcdsaVerifier
