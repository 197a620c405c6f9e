"""OpenAI's requests, signed as the verifier of its Python SDK computes, and accepted by it."""

import hashlib
from collections.abc import Mapping
from unittest.mock import patch

from openai import OpenAI

from tests.vectors.make.vectors import NOW_S, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("openai")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOKS = OpenAI(api_key="none").webhooks


def verify(body: bytes, headers: Mapping[str, str]) -> object:
    with patch("time.time", return_value=NOW_S):
        WEBHOOKS.verify_signature(body, headers, secret=SECRET)
    return True


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    told = {"webhook-id": f"wh_{hashlib.sha256(body).hexdigest()[:24]}", "webhook-timestamp": str(NOW_S)}
    signature = expected_by(lambda wrong: verify(body, {**told, "webhook-signature": f"v1,{wrong}"}))
    return {**told, "webhook-signature": f"v1,{signature}"}


write("openai", f"the verifier of {SDK}", sign, secret=SECRET, judge=(SDK, verify))
