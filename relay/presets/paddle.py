"""Paddle Billing: subscriptions. While a secret is replaced, several `h1` signatures stand in the header.

Live events are tried up to 60 times in three days. Paddle's own libraries believe a time for five seconds; here it is
five minutes, as for others, so that a clock that is a little off loses nothing.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, **data: object) -> Sample:
    ids = {"event_id": "evt_{uuid}", "notification_id": "ntf_{uuid}"}
    return Sample(event_type, {**ids, "event_type": event_type, "occurred_at": "{now}", "data": data})


PRESET = Preset(
    name="paddle",
    title="Paddle Billing",
    page="https://developer.paddle.com/webhooks/signature-verification",
    verify=(
        {
            "scheme": "hmac",
            "header": "Paddle-Signature",
            "separator": ";",
            "prefix": "h1=",
            "timestamp_prefix": "ts=",
            "signed": "{timestamp}:{body}",
        },
    ),
    type="event_type",
    keys={ANY_TYPE: "event_id"},
    needs_json=True,
    samples=(
        _sample("transaction.completed", id="txn_01hv8wptq8987qeep44cyrewp9", status="completed"),
        _sample("subscription.canceled", id="sub_01hv8x29kz0t586xy6zn1a62ny", status="canceled"),
    ),
)
