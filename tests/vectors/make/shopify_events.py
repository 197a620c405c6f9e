"""Shopify's newer requests, signed and verified by its Node SDK."""

from collections.abc import Mapping

from tests.vectors.make.shopify_sdk import SDK, accepts, signature
from tests.vectors.make.vectors import write


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"Shopify-Hmac-Sha256": signature(body)}


write("shopify-events", SDK, sign, judge=(SDK, accepts))
