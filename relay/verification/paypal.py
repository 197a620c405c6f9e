"""PayPal's signature: RSA with SHA-256, by a certificate that a header names.

The header is the sender's word: it must be an address of PayPal's own, or nothing is fetched. Who fetches it checks
that the certificate is PayPal's. What is signed is the body's CRC-32, which anybody can keep while changing a body: who
has seen a request could send another body with its signature. So it must come by https.

Source: https://developer.paypal.com/api/rest/webhooks/rest/.
"""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from relay.domain import InboundRequest, KeyWanted, Proof, Refusal, Secret
from relay.errors import SecretInvalid, SigningImpossible
from relay.verification._public_keys import read_private
from relay.verification._wire import as_sent, only_header, require_secrets

ID, TIME, SIGNATURE = "PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME", "PAYPAL-TRANSMISSION-SIG"
CERTIFICATE, ALGORITHM = "PAYPAL-CERT-URL", "PAYPAL-AUTH-ALGO"
HEADERS = (ID, TIME, SIGNATURE, CERTIFICATE, ALGORITHM)
ONLY_ALGORITHM = "SHA256withRSA"
OWNER = ".paypal.com"
TRIAL = "TRIAL"  # the webhook of a test that signs by itself

_ADDRESS = re.compile(r"https://api(-m)?(\.sandbox)?\.paypal\.com/v1/notifications/certs/[A-Za-z0-9-]{1,100}")
_WEBHOOK = re.compile(rb"[A-Za-z0-9]{1,50}")


@dataclass(frozen=True, slots=True)
class PayPalVerifier:
    """Believes who signs for one of the webhooks with PayPal's key.

    Each secret is a webhook's id; or, for tests that sign, a private key in PEM, whose public half then is PayPal's.
    Errors: SecretInvalid.
    """

    needs_body: ClassVar[bool] = True

    secrets: tuple[Secret, ...]
    _own: RSAPrivateKey | None = field(init=False, repr=False, compare=False)
    _webhooks: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_secrets(self.secrets)
        own: RSAPrivateKey | None = read_private(self.secrets[0], RSAPrivateKey)
        webhooks = (TRIAL.encode(),) if own is not None else tuple(secret.reveal() for secret in self.secrets)
        if not all(_WEBHOOK.fullmatch(webhook) for webhook in webhooks):
            raise SecretInvalid("expected the webhook's id, as PayPal shows it: letters and digits")
        object.__setattr__(self, "_own", own)
        object.__setattr__(self, "_webhooks", webhooks)

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | KeyWanted | None:
        """Judge the form, then the signature, for which the vendor's key is wanted first."""
        said = [only_header(request, name) for name in HEADERS]
        if (refusal := next((value for value in said if isinstance(value, Refusal)), None)) is not None:
            return refusal
        message_id, time, signature, address, algorithm = map(str, said)
        decoded = _decoded(signature)
        if decoded is None or algorithm != ONLY_ALGORITHM or not _ADDRESS.fullmatch(address):
            return Refusal.MALFORMED
        if self._own is None and request.key is None:
            return KeyWanted(address, OWNER)
        key = self._own.public_key() if self._own is not None else load_der_public_key(request.key or b"")
        if not isinstance(key, RSAPublicKey):
            return Refusal.MISMATCH
        covered = [_covered(message_id, time, webhook, request.body) for webhook in self._webhooks]
        return None if any(_is_by(key, decoded, message) for message in covered) else Refusal.MISMATCH

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Set the headers, as PayPal would. Errors: SigningImpossible, where we only have an id."""
        if self._own is None:
            raise SigningImpossible("paypal")
        time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message_id = f"trial-{now.timestamp():.6f}"
        covered = _covered(message_id, time, TRIAL.encode(), request.body)
        signature = base64.b64encode(self._own.sign(covered, PKCS1v15(), SHA256())).decode()
        address = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-trial"
        return Proof(dict(zip(HEADERS, (message_id, time, signature, address, ONLY_ALGORITHM), strict=True)))


def _covered(message_id: str, time: str, webhook: bytes, body: bytes) -> bytes:
    return b"|".join((as_sent(message_id), as_sent(time), webhook, str(zlib.crc32(body)).encode()))


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(as_sent(signature), validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_by(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


SCHEME = PayPalVerifier
