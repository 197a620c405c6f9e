"""Pusher's requests, signed and verified by its Node SDK."""

from collections.abc import Mapping

from tests.vectors.make.vectors import SECRET, by_node, of_node_module, write

SDK = of_node_module("pusher")
PUSHER = """
import Pusher from "pusher";
const pusher = new Pusher({ appId: "1", key: it.key, secret: it.secret, cluster: "eu" });
"""
SIGN = f"{PUSHER}console.log(pusher.config.token.sign(it.body));"
VERIFY = f"""{PUSHER}
const headers = {{ "x-pusher-key": it.key, "x-pusher-signature": it.signature, "content-type": "application/json" }};
console.log(pusher.webhook({{ headers, rawBody: it.body }}).isValid());
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Pusher-Signature": by_node(SIGN, key=headers["X-Pusher-Key"], secret=SECRET, body=body.decode())}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    told = {"key": headers["X-Pusher-Key"], "signature": headers["X-Pusher-Signature"]}
    return by_node(VERIFY, **told, secret=SECRET, body=body.decode()) == "true"


write("pusher", SDK, sign, judge=(SDK, accepts))
