"""Linear: issues. The time stands in the body, which is signed, and is believed for a minute, as its library does.

An event's type is what it is about, as `Issue`; what happened to it is in `action`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(action: str, kind: str, **data: object) -> Sample:
    body = {
        "action": action,
        "type": kind,
        "createdAt": "{now}",
        "data": data,
        "organizationId": "3f0f2b1e-6c7d-4a58-9b0a-2d1c0e9f8a7b",
        "webhookTimestamp": "{now_ms}",
        "webhookId": "000042e3-d123-4980-b49f-8e140eef9329",
    }
    return Sample(kind, body, {"Linear-Delivery": "{uuid}", "Linear-Event": kind})


PRESET = Preset(
    name="linear",
    title="Linear",
    page="https://linear.app/developers/webhooks",
    verify=(
        {
            "scheme": "hmac",
            "header": "Linear-Signature",
            "timestamp_field": "webhookTimestamp",
            "time": "milliseconds",
            "tolerance": "1m",
        },
    ),
    type="type",
    keys={ANY_TYPE: "header:Linear-Delivery"},
    max_body="5MiB",
    samples=(
        _sample("create", "Issue", id="539068e2-ae88-4d09-bd75-22eb4a59612f", title="Say hello", priority=0),
        _sample("create", "Comment", id="2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9", body="Indeed"),
    ),
)
