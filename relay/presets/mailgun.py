"""Mailgun: what became of mails. The signature stands in the body, and covers its time and token, not the event.

So whoever has seen one could send another event with it for as long as it is fresh: give Mailgun an https URL only.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, **more: object) -> Sample:
    data = {"event": event, "id": "{uuid}", "timestamp": 1782907200.5, "recipient": "someone@example.com", **more}
    return Sample(event, {"signature": {"timestamp": "", "token": "{uuid}", "signature": ""}, "event-data": data})


PRESET = Preset(
    name="mailgun",
    title="Mailgun",
    page="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
    verify=(
        {
            "scheme": "hmac",
            "body_field": "signature.signature",
            "timestamp_field": "signature.timestamp",
            "signed": "{timestamp}{body.signature.token}",
            "tolerance": "15m",
        },
    ),
    type='"event-data".event',
    keys={ANY_TYPE: '"event-data".id'},
    needs_json=True,
    samples=(_sample("delivered"), _sample("failed", severity="permanent")),
)
