"""Razorpay's requests, signed as the verifier of its Python SDK computes, and accepted by it."""

from collections.abc import Mapping

from razorpay import Utility

from tests.vectors.make.vectors import SECRET, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("razorpay")


def verify(body: bytes, signature: str) -> object:
    return Utility().verify_webhook_signature(body.decode(), signature, SECRET)


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Razorpay-Signature": expected_by(lambda wrong: verify(body, wrong))}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return verify(body, headers["X-Razorpay-Signature"])


write("razorpay", f"the verifier of {SDK}", sign, judge=(SDK, accepts))
