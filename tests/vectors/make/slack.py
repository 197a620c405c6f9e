"""Slack's requests and its question for the URL, signed and verified by its Python SDK."""

import json
from collections.abc import Mapping
from types import SimpleNamespace

from slack_sdk.signature import SignatureVerifier

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write

SDK = of_package("slack_sdk")
VERIFIER = SignatureVerifier(SECRET, SimpleNamespace(now=lambda: NOW_S))
COMMAND = b"token=t&team_id=T123&command=%2Fweather&text=94070&trigger_id=13345224609.738474920.8088930838d88f008e0"
QUESTION = json.dumps({"token": "t", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd", "type": "url_verification"})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = VERIFIER.generate_signature(timestamp=str(NOW_S), body=body)
    assert signature is not None
    return {"X-Slack-Request-Timestamp": str(NOW_S), "X-Slack-Signature": signature}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return VERIFIER.is_valid_request(body, headers)


write(
    "slack",
    SDK,
    sign,
    judge=(SDK, accepts),
    answered=200,
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
