"""Signatures by Ed25519 (RFC 8032): the vendor signs with a key that only it has, and we hold its public one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relay.domain import Secret
from relay.errors import SecretInvalid, SigningImpossible
from relay.verification._public_keys import raw_bytes, read_private, read_public
from relay.verification._signature import SignatureVerifier

SIGNATURE_BYTES, KEY_BYTES = 64, 32
PREFIX = b"whpk_"  # of Standard Webhooks


@dataclass(frozen=True, slots=True)
class Ed25519Verifier(SignatureVerifier):
    """Believes who signs with the private half of one of the keys.

    Each secret is a public key: 32 bytes in hex or base64, which may follow `whpk_`, or PEM; or, for tests that sign,
    a private key in PEM.
    """

    _keys: tuple[Ed25519PublicKey, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        SignatureVerifier.__post_init__(self)
        object.__setattr__(self, "_keys", tuple(map(public_key, self.secrets)))

    def _has_form(self, claim: bytes) -> bool:
        decoded = self._decoded(claim)
        return decoded is not None and len(decoded) == SIGNATURE_BYTES

    def _is_genuine(self, claims: Sequence[bytes], pieces: Iterable[bytes]) -> bool:
        signatures = [self._decoded(claim) or b"" for claim in claims]
        message = b"".join(pieces)
        return any(_is_by(key, signature, message) for key in self._keys for signature in signatures)

    def _signature(self, pieces: Iterable[bytes]) -> bytes:
        private: Ed25519PrivateKey | None = read_private(self.secrets[0], Ed25519PrivateKey)
        if private is None:
            raise SigningImpossible("ed25519")
        return private.sign(b"".join(pieces))


def public_key(secret: Secret) -> Ed25519PublicKey:
    """Read a key. Errors: SecretInvalid."""
    private: Ed25519PrivateKey | None = read_private(secret, Ed25519PrivateKey)
    if private is not None:
        return private.public_key()
    raw = raw_bytes(secret.reveal().strip().removeprefix(PREFIX))
    if raw is not None and len(raw) == KEY_BYTES:
        return Ed25519PublicKey.from_public_bytes(raw)
    key: Ed25519PublicKey | None = read_public(secret, Ed25519PublicKey)
    if key is not None:
        return key
    raise SecretInvalid("expected an Ed25519 public key: 32 bytes in hex or base64, or PEM")


def _is_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


SCHEME = Ed25519Verifier
