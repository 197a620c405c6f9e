"""Meta's requests, signed by OpenSSL as its page says: there is no SDK that does it."""

import subprocess
from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-r"]
    digest = subprocess.run(command, input=body, check=True, capture_output=True).stdout.decode().split()[0]
    return {"X-Hub-Signature-256": f"sha256={digest}"}


QUESTION = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="

write(
    "meta",
    "OpenSSL",
    sign,
    handshakes=[
        {"method": "GET", "query": f"{QUESTION}a-word-that-we-chose", "status": 200, "answer": "1158201444"},
        {"method": "GET", "query": f"{QUESTION}another-word", "status": 401},
        {"method": "GET", "query": "hub.mode=subscribe&hub.challenge=1158201444", "status": 401},
        {"method": "GET", "query": QUESTION.replace("subscribe", "x") + "a-word-that-we-chose", "status": 401},
    ],
)
