"""Linear's requests, signed by OpenSSL, each accepted by its Node SDK at the time that they tell."""

from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import NOW_S, SECRET, by_node, of_node_module, write

SCRIPT = """
import { LinearWebhookClient } from "@linear/sdk/webhooks";
Date.now = () => Number(it.time);
new LinearWebhookClient(it.secret).verify(Buffer.from(it.body), it.signature);
console.log(it.signature);
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature, time = hmac_of(body).hex(), str(NOW_S * 1000)
    return {"Linear-Signature": by_node(SCRIPT, secret=SECRET, body=body.decode(), signature=signature, time=time)}


write("linear", f"OpenSSL, accepted by {of_node_module('@linear/sdk')}", sign)
