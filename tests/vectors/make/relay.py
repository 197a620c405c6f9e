"""Requests of a relay, signed by the Python SDK of Standard Webhooks."""

import hashlib
from collections.abc import Mapping

from standardwebhooks import Webhook

from tests.vectors.make.vectors import NOW, NOW_S, of_package, write

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    message = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
    signature = Webhook(SECRET).sign(message, NOW, body.decode())
    return {"webhook-id": message, "webhook-timestamp": str(NOW_S), "webhook-signature": signature}


write("relay", of_package("standardwebhooks"), sign, secret=SECRET)
