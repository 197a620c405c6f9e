"""Shopify's newer webhooks, which it calls Events: their headers are without `X-`. The id of a delivery stays the same.

The secret is the app's client secret, as for `shopify`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(topic: str, action: str, **fields: object) -> Sample:
    headers = {
        "Shopify-Topic": topic,
        "Shopify-Action": action,
        "Shopify-Webhook-Id": "{uuid}",
        "Shopify-Event-Id": "{uuid}",
        "Shopify-Shop-Domain": "hello.myshopify.com",
        "Shopify-API-Version": "2026-07",
    }
    return Sample(topic, {"topic": topic, "action": action, "data": fields}, headers)


PRESET = Preset(
    name="shopify-events",
    title="Shopify (Events)",
    page="https://shopify.dev/docs/api/shopify-app-remix/v4/authenticate/webhook",
    verify=({"scheme": "hmac", "header": "Shopify-Hmac-Sha256", "encoding": "base64"},),
    type="header:Shopify-Topic",
    keys={ANY_TYPE: "header:Shopify-Webhook-Id"},
    max_body="5MiB",
    samples=(
        _sample("Product", "update", product={"id": "gid://shopify/Product/788032119674292922"}),
        _sample("Order", "create", order={"id": "gid://shopify/Order/820982911946154508"}),
    ),
)
