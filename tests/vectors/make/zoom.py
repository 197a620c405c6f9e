"""Zoom's requests and its question for the URL, signed by OpenSSL as its page says."""

import json
from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import NOW_S, write

QUESTION = {"payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}, "event_ts": 1654503849680, "event": ""}
BODY = json.dumps({**QUESTION, "event": "endpoint.url_validation"})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {
        "x-zm-request-timestamp": str(NOW_S),
        "x-zm-signature": f"v0={hmac_of(f'v0:{NOW_S}:'.encode() + body).hex()}",
    }


ANSWER = {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": hmac_of(b"qgg8vlvZRS6UYooatFL8Aw").hex()}

write(
    "zoom",
    "OpenSSL",
    sign,
    handshakes=[
        {
            "method": "POST",
            "headers": sign(BODY.encode(), {}),
            "body": BODY,
            "status": 200,
            "answer": json.dumps(ANSWER, separators=(",", ":")),
        },
        {"method": "POST", "headers": {}, "body": BODY, "status": 401},
    ],
)
