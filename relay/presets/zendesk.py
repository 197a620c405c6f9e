"""Zendesk: users, articles, and whatever a trigger sends. An invocation keeps its id over all of its attempts.

Give the webhook the method POST: no other is received. What is sent to try a webhook that is not saved yet is signed
with a secret that Zendesk has published, and so refused.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, **event: object) -> Sample:
    headers = {"X-Zendesk-Webhook-Id": "01F1KRFQ6BG29CNWFR60NK5FNY", "X-Zendesk-Webhook-Invocation-Id": "{uuid}"}
    body = {
        "type": event_type,
        "account_id": 12514403,
        "id": "{uuid}",
        "time": "{now}",
        "zendesk_event_version": "2022-06-20",
        "subject": "zen:user:6596848315901",
        "detail": {"id": "6596848315901", "email": "someone@example.com", "role": "end-user"},
        "event": event,
    }
    return Sample(event_type, body, headers)


PRESET = Preset(
    name="zendesk",
    title="Zendesk",
    page="https://developer.zendesk.com/documentation/webhooks/verifying/",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Zendesk-Webhook-Signature",
            "encoding": "base64",
            "timestamp_header": "X-Zendesk-Webhook-Signature-Timestamp",
            "time": "iso",
            "signed": "{timestamp}{body}",
        },
    ),
    type="type",
    keys={ANY_TYPE: "header:X-Zendesk-Webhook-Invocation-Id"},
    max_body="5MiB",
    samples=(
        _sample("zen:event-type:user.active_changed", current=False, previous=True),
        _sample("zen:event-type:user.created"),
    ),
)
