"""Sanity's requests, signed by OpenSSL, each accepted by Sanity's Node library."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import NOW_S, SECRET, by_node, of_node_module, write

NOW_MS = NOW_S * 1000
SCRIPT = """
import { assertValidSignature } from "@sanity/webhook";
await assertValidSignature(it.body, it.header, it.secret);
console.log(it.header);
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = urlsafe_b64encode(hmac_of(f"{NOW_MS}.".encode() + body)).decode().rstrip("=")
    header = f"t={NOW_MS},v1={signature}"
    return {"sanity-webhook-signature": by_node(SCRIPT, secret=SECRET, body=body.decode(), header=header)}


write("sanity", f"OpenSSL, accepted by {of_node_module('@sanity/webhook')}", sign)
