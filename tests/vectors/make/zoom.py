"""Zoom's requests and its question for the URL, signed as the verifier of its Node SDK computes, and accepted by it.

The answer to the question is that SDK's, too. It verifies JSON written anew, so bodies here are as JavaScript writes.
"""

import json
from collections.abc import Mapping

from tests.vectors.make.vectors import NOW_S, SECRET, by_node, of_node_module, write
from tests.vectors.make.verifiers import OBSERVED, WRONG

SDK = of_node_module("@zoom/rivet")
SCRIPT = f"""
import {{ AwsLambdaReceiver }} from "@zoom/rivet/users";
{OBSERVED}
const receiver = new AwsLambdaReceiver({{ webhooksSecretToken: it.secret }});
console.debug = () => {{}};
receiver.init({{ eventEmitter: {{ emit: async () => {{}} }} }});
const headers = {{ "x-zm-request-timestamp": "{NOW_S}", "x-zm-signature": it.signature }};
const answer = await receiver.start()({{ body: it.body, headers, isBase64Encoded: false }}, {{}});
console.log(JSON.stringify({{ status: answer.statusCode, body: answer.body, signature: made[0] }}));
"""
QUESTION = {"payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}, "event_ts": 1654503849680, "event": ""}
BODY = json.dumps({**QUESTION, "event": "endpoint.url_validation"}, separators=(",", ":"))


def ask(body: bytes, signature: str) -> Mapping[str, str]:
    told: Mapping[str, str] = json.loads(by_node(SCRIPT, secret=SECRET, body=body.decode(), signature=signature))
    return told


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"x-zm-request-timestamp": str(NOW_S), "x-zm-signature": f"v0={ask(body, WRONG)['signature']}"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return ask(body, headers["x-zm-signature"])["status"] == 200


PROOF = sign(BODY.encode(), {})

write(
    "zoom",
    f"the verifier of {SDK}",
    sign,
    judge=(SDK, accepts),
    handshakes=[
        {
            "method": "POST",
            "headers": PROOF,
            "body": BODY,
            "status": 200,
            "answer": ask(BODY.encode(), PROOF["x-zm-signature"])["body"],
        },
        {"method": "POST", "headers": {}, "body": BODY, "status": 401},
    ],
)
