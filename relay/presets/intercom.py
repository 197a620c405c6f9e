"""Intercom: conversations and contacts. The secret is the app's client secret; a HEAD asks whether the URL answers.

A notification without an id, as the `ping` that tries the URL, is known by all it says.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(topic: str, **item: object) -> Sample:
    data = {"type": "notification_event_data", "item": item}
    body = {"type": "notification_event", "id": "notif_{uuid}", "topic": topic, "app_id": "a86dr8yl", "data": data}
    return Sample(topic, {**body, "delivery_attempts": 1, "created_at": 1782907200})


PRESET = Preset(
    name="intercom",
    title="Intercom",
    page="https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
    verify=({"scheme": "hmac", "header": "X-Hub-Signature", "algorithm": "sha1", "prefix": "sha1="},),
    type="topic",
    keys={ANY_TYPE: "id || to_string(@)"},
    needs_json=True,
    max_body="5MiB",
    handshakes=(Handshake("HEAD", answer=""),),
    samples=(
        _sample("conversation.user.created", type="conversation", id="147", state="open"),
        _sample("contact.created", type="contact", id="530370b477ad7120001d", name="Hoban Washburne"),
    ),
)
