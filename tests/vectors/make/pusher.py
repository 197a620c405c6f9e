"""Pusher's requests, signed and verified by its Node SDK."""

from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, by_node, of_node_module, write

SCRIPT = """
import Pusher from "pusher";
const pusher = new Pusher({ appId: "1", key: it.key, secret: it.secret, cluster: "eu" });
const signature = pusher.config.token.sign(it.body);
const headers = { "x-pusher-key": it.key, "x-pusher-signature": signature, "content-type": "application/json" };
if (!pusher.webhook({ headers, rawBody: it.body }).isValid()) throw new Error("not valid");
console.log(signature);
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Pusher-Signature": by_node(SCRIPT, key=headers["X-Pusher-Key"], secret=SECRET, body=body.decode())}


write("pusher", of_node_module("pusher"), sign)
