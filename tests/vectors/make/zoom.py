"""Zoom's requests and its question for the URL, signed by OpenSSL as its page says."""

import json
import subprocess
from collections.abc import Mapping

from tests.vectors.make.vectors import NOW_S, SECRET, write

QUESTION = {"payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}, "event_ts": 1654503849680, "event": ""}
BODY = json.dumps({**QUESTION, "event": "endpoint.url_validation"})


def digest(message: bytes) -> str:
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-r"]
    return subprocess.run(command, input=message, check=True, capture_output=True).stdout.decode().split()[0]


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"x-zm-request-timestamp": str(NOW_S), "x-zm-signature": f"v0={digest(f'v0:{NOW_S}:'.encode() + body)}"}


ANSWER = {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": digest(b"qgg8vlvZRS6UYooatFL8Aw")}

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
