"""LINE: messages to a bot, many in one request. The secret is the channel's; a request without events asks for the URL.

A redelivered event keeps its id, and says so in `deliveryContext`. Which bot is meant (`destination`) is told once a
request, and so not with each event: have a source for each channel.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(event_type: str, **more: object) -> Sample:
    event = {
        "type": event_type,
        "mode": "active",
        "timestamp": "{now_ms}",
        "source": {"type": "user", "userId": "U4af4980629e3d6d1e7c8a1e5b9b3c1a1"},
        "webhookEventId": "{uuid}",
        "deliveryContext": {"isRedelivery": False},
        **more,
    }
    return Sample(event_type, {"destination": "U7a5e7d1c2f6b4c0d9e8f7a6b5c4d3e2f", "events": [event]})


PRESET = Preset(
    name="line",
    title="LINE Messaging API",
    page="https://developers.line.biz/en/docs/messaging-api/receiving-messages/",
    verify=({"scheme": "hmac", "header": "X-Line-Signature", "encoding": "base64"},),
    type="type",
    keys={ANY_TYPE: "webhookEventId"},
    needs_json=True,
    batch="events",
    handshakes=(Handshake("POST", when="events == `[]`", answer=""),),
    samples=(
        _sample("message", message={"type": "text", "id": "444573844083572737", "text": "Hello"}),
        _sample("unfollow"),
    ),
)
