"""PayPal's requests, signed by `cryptography` over what its Python SDK says is signed, with a key made here."""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paypalrestsdk.notifications import WebhookEvent

from tests.vectors.make.vectors import of_package, write

WEBHOOK = "1JE4291016473214C"
KEY = generate_private_key(65537, 2048)
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


write(
    "paypal",
    f"cryptography, over the text that {of_package('paypalrestsdk')} makes",
    sign,
    secret=WEBHOOK,
    fetched=base64.b64encode(PUBLIC).decode(),
)
