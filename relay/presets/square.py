"""Square: payments. The URL is signed, so `server.public_url` must be as registered there."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, kind: str, **thing: object) -> Sample:
    body = {"merchant_id": "6SSW7HV8K2ST5", "type": event_type, "event_id": "{uuid}", "created_at": "{now}"}
    return Sample(event_type, {**body, "data": {"type": kind, "id": thing["id"], "object": {kind: thing}}})


PRESET = Preset(
    name="square",
    title="Square",
    page="https://developer.squareup.com/docs/webhooks/step3validate",
    verify=(
        {
            "scheme": "hmac",
            "header": "x-square-hmacsha256-signature",
            "encoding": "base64",
            "signed": "{url}{body}",
        },
    ),
    type="type",
    keys={ANY_TYPE: "event_id"},
    needs_json=True,
    samples=(
        _sample("payment.created", "payment", id="KkAkhdMsgzn59SM8A89WgKwekxLZY", status="APPROVED"),
        _sample("refund.created", "refund", id="KkAkhdMsgzn59SM8A89WgKwekxLZY_ptYv", status="PENDING"),
    ),
)
