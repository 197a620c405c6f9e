"""Svix's requests, signed and verified by its Python SDK."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from unittest.mock import patch

from svix.webhooks import Webhook

from tests.vectors.make.vectors import NOW, NOW_S, of_package, write

SDK = of_package("svix")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    message = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
    signature = Webhook(SECRET).sign(message, NOW, body.decode())
    return {"svix-id": message, "svix-timestamp": str(NOW_S), "svix-signature": f"v1a,AAAA {signature}"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    with patch("standardwebhooks.webhooks.datetime", wraps=datetime) as clock:
        clock.now.return_value = NOW
        Webhook(SECRET).verify(body.decode(), dict(headers))
    return True


write("svix", SDK, sign, secret=SECRET, judge=(SDK, accepts))
