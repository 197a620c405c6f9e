"""X's requests and its challenge, signed by OpenSSL as its page says: there is no SDK that does it."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of, in_base64
from tests.vectors.make.vectors import write

QUERY = "crc_token=MTIzMzQ2Nzg5MA&nonce=OTg3NjU"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"x-twitter-webhooks-signature": f"sha256={in_base64(hmac_of(body))}"}


ANSWER = f'{{"response_token":"sha256={in_base64(hmac_of(b"MTIzMzQ2Nzg5MA"))}"}}'

write(
    "x",
    "OpenSSL",
    sign,
    handshakes=[
        {"method": "GET", "query": QUERY, "headers": sign(QUERY.encode(), {}), "status": 200, "answer": ANSWER},
        {"method": "GET", "query": QUERY, "status": 401},
        {"method": "GET", "query": QUERY, "headers": sign(b"crc_token=another", {}), "status": 401},
    ],
)
