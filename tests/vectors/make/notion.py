"""Notion's requests and its handshake, signed and verified by its Node SDK."""

import json
from collections.abc import Mapping

from tests.vectors.make.vectors import by_node, of_node_module, write

SDK = of_node_module("@notionhq/client")
SECRET = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"  # as Notion shows one
OFFER = json.dumps({"verification_token": SECRET})
ANOTHER = json.dumps({"verification_token": "secret_of_somebody_else"})
SIGN = """
import notion from "@notionhq/client";
console.log(await notion.signWebhookPayload({body: it.body, verificationToken: it.secret}));
"""
VERIFY = """
import notion from "@notionhq/client";
const told = {body: it.body, signature: it.signature, verificationToken: it.secret};
console.log(await notion.verifyWebhookSignature(told));
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Notion-Signature": by_node(SIGN, body=body.decode(), secret=SECRET)}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    signature = headers["X-Notion-Signature"]
    return by_node(VERIFY, body=body.decode(), signature=signature, secret=SECRET) == "true"


write(
    "notion",
    SDK,
    sign,
    judge=(SDK, accepts),
    secret=SECRET,
    handshakes=[
        {"method": "POST", "body": OFFER, "status": 200, "answer": ""},
        {"method": "POST", "body": ANOTHER, "status": 401},
    ],
)
