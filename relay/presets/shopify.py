"""Shopify: shops. The id of a delivery stays the same when it is tried again. Its newer Events are `shopify-events`."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(topic: str, **body: object) -> Sample:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": "{uuid}",
        "X-Shopify-Event-Id": "{uuid}",
        "X-Shopify-Shop-Domain": "hello.myshopify.com",
        "X-Shopify-API-Version": "2026-07",
    }
    return Sample(topic, dict(body), headers)


PRESET = Preset(
    name="shopify",
    title="Shopify",
    page="https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
    verify=({"scheme": "hmac", "header": "X-Shopify-Hmac-Sha256", "encoding": "base64"},),
    type="header:X-Shopify-Topic",
    keys={ANY_TYPE: "header:X-Shopify-Webhook-Id"},
    max_body="5MiB",
    samples=(
        _sample("orders/create", id=820982911946154508, total_price="93.50", currency="EUR"),
        _sample("app/uninstalled", id=548380009, name="Hello"),
    ),
)
