"""Slack's requests and its question for the URL, signed by its Python SDK."""

import json
from collections.abc import Mapping

from slack_sdk.signature import SignatureVerifier

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write

VERIFIER = SignatureVerifier(SECRET)
COMMAND = b"token=t&team_id=T123&command=%2Fweather&text=94070&trigger_id=13345224609.738474920.8088930838d88f008e0"
QUESTION = json.dumps({"token": "t", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd", "type": "url_verification"})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = VERIFIER.generate_signature(timestamp=str(NOW_S), body=body)
    assert signature is not None
    return {"X-Slack-Request-Timestamp": str(NOW_S), "X-Slack-Signature": signature}


write(
    "slack",
    of_package("slack_sdk"),
    sign,
    more=[
        {
            "name": "a command",
            "type": "/weather",
            "headers": {"Content-Type": "application/x-www-form-urlencoded", **sign(COMMAND, {})},
            "body": COMMAND.decode(),
        }
    ],
    handshakes=[
        {
            "method": "POST",
            "headers": sign(QUESTION.encode(), {}),
            "body": QUESTION,
            "status": 200,
            "answer": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd",
        }
    ],
)
