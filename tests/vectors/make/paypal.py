"""PayPal's requests, signed by `cryptography` with a key made here over what its Python SDK says, and accepted by it.

That SDK verifies with what pyOpenSSL had until 23.2.
"""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL.crypto import X509, PKey
from paypalrestsdk.notifications import WebhookEvent

from tests.vectors.make.vectors import of_package, write

WEBHOOK = "1JE4291016473214C"
KEY = generate_private_key(65537, 2048)
CERTIFICATE = X509()
CERTIFICATE.set_pubkey(PKey.from_cryptography_key(KEY.public_key()))
PUBLIC = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
MESSAGE, TIME = "69cd13f0-d67a-11e5-baa3-778b53f4ae55", "2026-07-01T12:00:00Z"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    covered = WebhookEvent._get_expected_sig(MESSAGE, TIME, WEBHOOK, body.decode())
    return {
        "PAYPAL-TRANSMISSION-ID": MESSAGE,
        "PAYPAL-TRANSMISSION-TIME": TIME,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(KEY.sign(covered.encode(), PKCS1v15(), SHA256())).decode(),
        "PAYPAL-CERT-URL": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270",
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    signature = headers["PAYPAL-TRANSMISSION-SIG"]
    return WebhookEvent._verify_signature(
        MESSAGE, TIME, WEBHOOK, body.decode(), CERTIFICATE, signature, "sha256WithRSAEncryption"
    )


SDK = of_package("paypalrestsdk")

write(
    "paypal",
    f"{of_package('cryptography')}, over the text that {SDK} makes",
    sign,
    judge=(SDK, accepts),
    secret=WEBHOOK,
    fetched=base64.b64encode(PUBLIC).decode(),
)
