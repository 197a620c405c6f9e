"""Xero's requests, and those by which it asks for the URL, signed by OpenSSL as its page says: no SDK does it."""

import json
from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import write

QUESTION = json.dumps({"events": [], "lastEventSequence": 0, "firstEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"x-xero-signature": in_base64(hmac_of(body))}


write(
    "xero",
    "OpenSSL",
    sign,
    answered=200,
    handshakes=[
        {"method": "POST", "headers": sign(QUESTION.encode(), {}), "body": QUESTION, "status": 200, "answer": ""},
        {"method": "POST", "headers": sign(b"another body", {}), "body": QUESTION, "status": 401},
        {"method": "POST", "headers": {}, "body": QUESTION, "status": 401},
    ],
)
