"""Razorpay's requests, signed by OpenSSL, each accepted by Razorpay's Python SDK."""

from collections.abc import Mapping

from razorpay import Utility

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import SECRET, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = hmac_of(body).hex()
    assert Utility().verify_webhook_signature(body.decode(), signature, SECRET)
    return {"X-Razorpay-Signature": signature}


write("razorpay", f"OpenSSL, accepted by {of_package('razorpay')}", sign)
