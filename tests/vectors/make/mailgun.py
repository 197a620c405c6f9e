"""Mailgun's requests, signed as the verifier of its Python SDK computes, and accepted by it."""

import hashlib
import json
from collections.abc import Mapping
from unittest.mock import patch

from mailgun.security import SecurityGuard

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("mailgun")
TIME = str(NOW_S)


def verify(token: str, signature: str) -> object:
    with patch("time.time", return_value=NOW_S):
        return SecurityGuard.verify_webhook(SECRET, token, TIME, signature)


def sign(body: bytes, headers: Mapping[str, str]) -> bytes:
    token = hashlib.sha256(body).hexdigest()[:50]
    signature = expected_by(lambda wrong: verify(token, wrong))
    return _with_signature(body, {"timestamp": TIME, "token": token, "signature": signature})


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    told = json.loads(body)["signature"]
    return verify(told["token"], told["signature"])


def spoil(body: bytes) -> bytes:
    told = json.loads(body)["signature"]
    return _with_signature(body, {**told, "token": told["token"][::-1]})


def _with_signature(body: bytes, signature: Mapping[str, str]) -> bytes:
    return json.dumps({**json.loads(body), "signature": signature}, separators=(",", ":")).encode()


write("mailgun", f"the verifier of {SDK}", sign, judge=(SDK, accepts), spoil=spoil)
