"""LINE's requests and its question for the URL, signed by OpenSSL, each accepted by LINE's Python SDK."""

import json
from collections.abc import Mapping

from linebot.v3.webhook import SignatureValidator

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import SECRET, of_package, write

VALIDATOR = SignatureValidator(SECRET)
QUESTION = json.dumps({"destination": "U7a5e7d1c2f6b4c0d9e8f7a6b5c4d3e2f", "events": []})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = in_base64(hmac_of(body))
    assert VALIDATOR.validate(body.decode(), signature)
    return {"X-Line-Signature": signature}


write(
    "line",
    f"OpenSSL, accepted by {of_package('line-bot-sdk')}",
    sign,
    handshakes=[
        {"method": "POST", "headers": sign(QUESTION.encode(), {}), "body": QUESTION, "status": 200, "answer": ""},
        {"method": "POST", "headers": {}, "body": QUESTION, "status": 401},
    ],
)
