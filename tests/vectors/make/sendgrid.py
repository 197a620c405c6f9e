"""SendGrid's requests, signed by `cryptography`, accepted by its Python SDK."""

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
    return {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": time,
    }


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    webhook, name = EventWebhook(PUBLIC), "X-Twilio-Email-Event-Webhook"
    signature, time = headers[f"{name}-Signature"], headers[f"{name}-Timestamp"]
    return webhook.verify_signature(body.decode(), signature, time, webhook.public_key)


write("sendgrid", of_package("cryptography"), sign, secret=PUBLIC, judge=(of_package("sendgrid"), accepts))
