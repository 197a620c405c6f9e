"""Requests by Standard Webhooks 1a, signed by PyNaCl: no released library of the project signs or verifies them."""

import base64
import hashlib
from collections.abc import Mapping

from nacl.signing import SigningKey

from tests.vectors.make.vectors import NOW_S, of_package, write

KEY = SigningKey(bytes(range(32)))
PUBLIC = "whpk_" + base64.b64encode(bytes(KEY.verify_key)).decode()


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    message = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
    signature = KEY.sign(f"{message}.{NOW_S}.".encode() + body).signature
    return {
        "webhook-id": message,
        "webhook-timestamp": str(NOW_S),
        "webhook-signature": "v1,c2lnbmVkIGJ5IGFub3RoZXI= v1a," + base64.b64encode(signature).decode(),
    }


write("standard-webhooks-v1a", f"{of_package('pynacl')}, by the specification", sign, secret=PUBLIC)
