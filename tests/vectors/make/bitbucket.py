"""Bitbucket's requests, signed by OpenSSL as its page says, and that page's own vector: there is no SDK."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import write

SECRET = "It's a Secret to Everybody"
PAGE = {
    "name": "the vendor's page",
    "type": "repo:push",
    "headers": {
        "X-Event-Key": "repo:push",
        "X-Request-UUID": "e7b6a1b8",
        "X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
    },
    "body": "Hello World!",
}


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Hub-Signature": f"sha256={hmac_of(body, secret=SECRET).hex()}"}


write("bitbucket", "OpenSSL", sign, secret=SECRET, more=[PAGE])
