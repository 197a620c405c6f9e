"""Stripe: payments. While a secret is replaced, several `v1` signatures stand in the header; others count not."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, **data: object) -> Sample:
    body = {"id": "evt_{uuid}", "object": "event", "type": event_type, "livemode": False, "data": {"object": data}}
    return Sample(event_type, body)


PRESET = Preset(
    name="stripe",
    title="Stripe",
    page="https://docs.stripe.com/webhooks/signature",
    verify=(
        {
            "scheme": "hmac",
            "header": "Stripe-Signature",
            "separator": ",",
            "prefix": "v1=",
            "timestamp_prefix": "t=",
            "signed": "{timestamp}.{body}",
        },
    ),
    type="type",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    samples=(
        _sample("payment_intent.succeeded", id="pi_1", object="payment_intent", amount=2000, currency="eur"),
        _sample("invoice.paid", id="in_1", object="invoice", amount_paid=2000, currency="eur"),
    ),
)
