"""GoCardless's requests, signed as the verifier of its Python SDK computes, and accepted by it."""

from collections.abc import Mapping

from gocardless_pro import webhooks

from tests.vectors.make.vectors import SECRET, of_package, write
from tests.vectors.make.verifiers import expected_by

SDK = of_package("gocardless_pro")


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"Webhook-Signature": expected_by(lambda wrong: webhooks.parse(body.decode(), SECRET, wrong))}


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return webhooks.parse(body.decode(), SECRET, headers["Webhook-Signature"])


write("gocardless", f"the verifier of {SDK}", sign, judge=(SDK, accepts))
