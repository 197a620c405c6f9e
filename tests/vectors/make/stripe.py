"""Stripe's requests, signed and verified by its Python SDK."""

from collections.abc import Mapping

from stripe import WebhookSignature

from tests.vectors.make.vectors import NOW_S, SECRET, of_package, write

SDK = of_package("stripe")


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    signature = WebhookSignature._compute_signature(f"{NOW_S}.{body.decode()}", SECRET)
    return {"Stripe-Signature": f"t={NOW_S},v1={signature},v0={'0' * 64}"}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], SECRET)


write("stripe", SDK, sign, judge=(SDK, accepts))
