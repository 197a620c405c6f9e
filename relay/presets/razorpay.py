"""Razorpay: payments. It tries for 24 hours, and warns that events come twice; their id is in a header.

After the secret was changed, older events still come signed with the old one: keep both in `secrets` for a day.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, **payment: object) -> Sample:
    entity = {"id": "pay_DESp9bgForNoUd", "entity": "payment", "amount": 100, "currency": "INR", **payment}
    body = {"entity": "event", "account_id": "acc_BFQ7uQEaa7j2z7", "event": event, "contains": ["payment"]}
    headers = {"x-razorpay-event-id": "{uuid}"}
    return Sample(event, {**body, "payload": {"payment": {"entity": entity}}, "created_at": 1782907200}, headers)


PRESET = Preset(
    name="razorpay",
    title="Razorpay",
    page="https://razorpay.com/docs/webhooks/validate-test/",
    verify=({"scheme": "hmac", "header": "X-Razorpay-Signature"},),
    type="event",
    keys={ANY_TYPE: "header:x-razorpay-event-id"},
    samples=(
        _sample("payment.captured", status="captured", captured=True),
        _sample("payment.failed", status="failed", error_code="BAD_REQUEST_ERROR"),
    ),
)
