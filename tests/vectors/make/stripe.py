"""Stripe's requests, signed and verified by its Python SDK."""

from collections.abc import Mapping

from stripe import WebhookSignature

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = WebhookSignature._compute_signature(f"{NOW_S}.{body.decode()}", SECRET)
    header = f"t={NOW_S},v1={signature},v0={'0' * 64}"
    WebhookSignature.verify_header(body.decode(), header, SECRET)
    return {"Stripe-Signature": header}


write("stripe", of_package("stripe"), sign)
