"""Twilio's requests, signed and verified by its Python SDK: forms, and JSON whose digest stands in the URL."""

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from tests.vectors.make.vectors import SECRET, URL, of_package, write

SDK = of_package("twilio")
VALIDATOR = RequestValidator(SECRET)
JSON = b'{"EventType": "onMessageAdded", "Body": "Hello"}'
QUERY = f"bodySHA256={hashlib.sha256(JSON).hexdigest()}"


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = VALIDATOR.compute_signature(URL, dict(parse_qsl(body.decode(), keep_blank_values=True)))
    return {"X-Twilio-Signature": signature}


def sign_json() -> Mapping[str, str]:
    signature = VALIDATOR.compute_signature(f"{URL}?{QUERY}", {})
    return {"X-Twilio-Signature": signature, "I-Twilio-Idempotency-Token": "7c6d"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    if body.startswith(b"{"):
        return VALIDATOR.validate(f"{URL}?{QUERY}", body.decode(), headers["X-Twilio-Signature"])
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return VALIDATOR.validate(URL, form, headers["X-Twilio-Signature"])


write(
    "twilio",
    SDK,
    sign,
    judge=(SDK, accepts),
    answered=204,
    more=[{"name": "JSON", "type": "onMessageAdded", "headers": sign_json(), "query": QUERY, "body": JSON.decode()}],
)
