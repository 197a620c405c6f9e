"""Calendly: appointments. It numbers no events: the bytes of the body are the key.

Its example believes a signed time for three minutes.
"""

from relay.presets import Preset, Sample


def _sample(event: str, **more: object) -> Sample:
    meeting = "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2"
    payload = {
        "uri": f"{meeting}/invitees/{{uuid}}",
        "email": "someone@example.com",
        "name": "John Doe",
        "event": meeting,
        **more,
    }
    creator = "https://api.calendly.com/users/AAAAAAAAAAAAAAAA"
    return Sample(event, {"event": event, "created_at": "{now}", "created_by": creator, "payload": payload})


PRESET = Preset(
    name="calendly",
    title="Calendly",
    page="https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
    verify=(
        {
            "scheme": "hmac",
            "header": "Calendly-Webhook-Signature",
            "separator": ",",
            "prefix": "v1=",
            "timestamp_prefix": "t=",
            "signed": "{timestamp}.{body}",
            "tolerance": "3m",
        },
    ),
    type="event",
    samples=(
        _sample("invitee.created", status="active", rescheduled=False),
        _sample("invitee.canceled", status="canceled", rescheduled=False),
    ),
)
