"""Notion's requests and its handshake, signed by its Node SDK."""

import json
from collections.abc import Mapping

from tests.vectors.make.vectors import by_node, of_node_module, write

SECRET = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"  # as Notion shows one
OFFER = json.dumps({"verification_token": SECRET})
ANOTHER = json.dumps({"verification_token": "secret_of_somebody_else"})
SCRIPT = """
import notion from "@notionhq/client";
const signature = await notion.signWebhookPayload({body: it.body, verificationToken: it.secret});
if (!await notion.verifyWebhookSignature({body: it.body, signature, verificationToken: it.secret})) throw new Error();
console.log(signature);
"""


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Notion-Signature": by_node(SCRIPT, body=body.decode(), secret=SECRET)}


write(
    "notion",
    of_node_module("@notionhq/client"),
    sign,
    secret=SECRET,
    handshakes=[
        {"method": "POST", "body": OFFER, "status": 200, "answer": ""},
        {"method": "POST", "body": ANOTHER, "status": 401},
    ],
)
