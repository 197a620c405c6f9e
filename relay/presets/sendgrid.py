"""SendGrid: what became of mails, many in one request. Each is an event of its own.

The secret is the public key that SendGrid shows as the verification key.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, **more: object) -> Sample:
    item = {"email": "someone@example.com", "event": event, "sg_event_id": "{uuid}", "sg_message_id": "14c5d75ce93"}
    return Sample(event, [{**item, "timestamp": 1782907200, **more}])


PRESET = Preset(
    name="sendgrid",
    title="Twilio SendGrid",
    page="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
    verify=(
        {
            "scheme": "ecdsa",
            "header": "X-Twilio-Email-Event-Webhook-Signature",
            "encoding": "base64",
            "timestamp_header": "X-Twilio-Email-Event-Webhook-Timestamp",
            "signed": "{timestamp}{body}",
        },
    ),
    type="event",
    keys={ANY_TYPE: "sg_event_id"},
    needs_json=True,
    batch="@",
    samples=(_sample("delivered", response="250 OK"), _sample("bounce", reason="500 unknown recipient")),
)
