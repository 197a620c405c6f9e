"""LINE's requests and its question for the URL, signed as the verifier of its Python SDK computes, and accepted."""

import json
from collections.abc import Mapping

from linebot.v3.webhook import SignatureValidator

from tests.vectors.make.vectors import SECRET, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("line-bot-sdk")
VALIDATOR = SignatureValidator(SECRET)
QUESTION = json.dumps({"destination": "U7a5e7d1c2f6b4c0d9e8f7a6b5c4d3e2f", "events": []})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Line-Signature": expected_by(lambda wrong: VALIDATOR.validate(body.decode(), wrong))}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return VALIDATOR.validate(body.decode(), headers["X-Line-Signature"])


write(
    "line",
    f"the verifier of {SDK}",
    sign,
    judge=(SDK, accepts),
    handshakes=[
        {"method": "POST", "headers": sign(QUESTION.encode(), {}), "body": QUESTION, "status": 200, "answer": ""},
        {"method": "POST", "headers": {}, "body": QUESTION, "status": 401},
    ],
)
