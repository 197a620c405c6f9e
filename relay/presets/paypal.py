"""PayPal: payments, subscriptions, disputes. The secret is the webhook's id, as PayPal shows it beside the URL.

PayPal signs with a key of its own. Its certificate is fetched from PayPal the first time, and kept for hours. Only the
body's checksum is signed: give PayPal an https URL only. To try it, `relay send SOURCE --new-key FILE` makes a key that
only tests sign with.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, resource_type: str, **resource: object) -> Sample:
    body = {
        "id": "WH-{uuid}",
        "event_version": "1.0",
        "create_time": "{now}",
        "resource_type": resource_type,
        "event_type": event_type,
        "summary": "Hello",
        "resource": resource,
    }
    return Sample(event_type, body)


AMOUNT = {"currency_code": "USD", "value": "93.50"}

PRESET = Preset(
    name="paypal",
    title="PayPal",
    page="https://developer.paypal.com/api/rest/webhooks/rest/",
    verify=({"scheme": "paypal"},),
    type="event_type",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    samples=(
        _sample("PAYMENT.CAPTURE.COMPLETED", "capture", id="42311647XV020574X", amount=AMOUNT, status="COMPLETED"),
        _sample("BILLING.SUBSCRIPTION.CREATED", "subscription", id="I-BW452GLLEP1G", status="APPROVAL_PENDING"),
    ),
)
