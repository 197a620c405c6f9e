"""Dropbox's requests and its question for the URL, signed by OpenSSL as its page says: no SDK does it."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Dropbox-Signature": hmac_of(body).hex()}


write(
    "dropbox",
    "OpenSSL",
    sign,
    is_repeat_news=True,
    handshakes=[
        {"method": "GET", "query": "challenge=abc123", "status": 200, "answer": "abc123"},
        {"method": "GET", "status": 401},
    ],
)
