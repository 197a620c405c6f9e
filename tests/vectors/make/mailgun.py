"""Mailgun's requests, signed as its page says, each accepted by its Python SDK."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from unittest.mock import patch

from mailgun.security import SecurityGuard

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> bytes:
    told = json.loads(body)
    time, token = str(NOW_S), hashlib.sha256(body).hexdigest()[:50]
    signature = hmac.digest(SECRET.encode(), (time + token).encode(), hashlib.sha256).hex()
    with patch("time.time", return_value=NOW_S):
        assert SecurityGuard.verify_webhook(SECRET, token, time, signature)
    told["signature"] = {"timestamp": time, "token": token, "signature": signature}
    return json.dumps(told, separators=(",", ":")).encode()


write("mailgun", f"the standard library, accepted by {of_package('mailgun')}", sign)
