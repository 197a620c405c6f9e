"""Mollie's requests, signed as its PHP SDK verifies (src/Webhooks/SignatureValidator.php); there is none in Python."""

import hashlib
import hmac
from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, write

PING = b'{"resource":"event","id":"event_ping","type":"hook.ping","entityId":"hook_1"}'


def signature(body: bytes) -> str:
    return hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Mollie-Signature": f"sha256={signature(body)}"}


write(
    "mollie",
    "the standard library, by the vendor's PHP SDK",
    sign,
    more=[
        {
            "name": "without a prefix",
            "type": "hook.ping",
            "headers": {"X-Mollie-Signature": signature(PING)},
            "body": PING.decode(),
        }
    ],
)
