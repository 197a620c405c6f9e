"""Square's requests, signed as the verifier of its Python SDK computes, and accepted by it."""

from collections.abc import Mapping

from square.utils.webhooks_helper import verify_signature

from tests.vectors.make.vectors import SECRET, URL, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("squareup")


def verify(body: bytes, signature: str) -> object:
    told = {"request_body": body.decode(), "signature_header": signature}
    return verify_signature(**told, signature_key=SECRET, notification_url=URL)


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"x-square-hmacsha256-signature": expected_by(lambda wrong: verify(body, wrong))}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return verify(body, headers["x-square-hmacsha256-signature"])


write("square", f"the verifier of {SDK}", sign, judge=(SDK, accepts))
