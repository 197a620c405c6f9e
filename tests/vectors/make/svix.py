"""Svix's requests, signed by its Python SDK."""

import hashlib
from collections.abc import Mapping

from svix.webhooks import Webhook

from tests.vectors.make.vectors import NOW, NOW_S, of_package, write

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    message = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
    signature = Webhook(SECRET).sign(message, NOW, body.decode())
    return {"svix-id": message, "svix-timestamp": str(NOW_S), "svix-signature": f"v1a,AAAA {signature}"}


write("svix", of_package("svix"), sign, secret=SECRET)
