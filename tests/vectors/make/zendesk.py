"""Zendesk's requests, signed by OpenSSL as its page says: there is no SDK that does it."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import write

TIME = "2026-07-01T12:00:00Z"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {
        "X-Zendesk-Webhook-Signature": in_base64(hmac_of(TIME.encode() + body)),
        "X-Zendesk-Webhook-Signature-Timestamp": TIME,
    }


write("zendesk", "OpenSSL", sign)
