"""Meta's requests, signed by OpenSSL as its page says: there is no SDK that does it."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac_of(body).hex()}"}


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
