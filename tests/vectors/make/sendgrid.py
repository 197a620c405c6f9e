"""SendGrid's requests, signed by `cryptography`, each accepted by SendGrid's Python SDK."""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook

from tests.vectors.make.vectors import NOW_S, of_package, write

KEY = generate_private_key(SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
).decode()


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    time = str(NOW_S)
    signature = base64.b64encode(KEY.sign(time.encode() + body, ECDSA(SHA256()))).decode()
    webhook = EventWebhook(PUBLIC)
    assert webhook.verify_signature(body.decode(), signature, time, webhook.public_key)
    return {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": time,
    }


write("sendgrid", f"cryptography, accepted by {of_package('sendgrid')}", sign, secret=PUBLIC)
