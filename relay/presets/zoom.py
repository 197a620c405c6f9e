"""Zoom: meetings. A signed challenge asks for the URL, again every 72 hours; its answer is signed with the same secret.

Zoom numbers no events: type, time and payload together are what makes two of them the same.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(event: str, **more: object) -> Sample:
    payload = {"account_id": "abc", "object": {"id": "1234567890", "uuid": "{uuid}", **more}}
    return Sample(event, {"event": event, "event_ts": "{now_ms}", "payload": payload})


PRESET = Preset(
    name="zoom",
    title="Zoom",
    page="https://developers.zoom.us/docs/api/webhooks/",
    verify=(
        {
            "scheme": "hmac",
            "header": "x-zm-signature",
            "prefix": "v0=",
            "timestamp_header": "x-zm-request-timestamp",
            "signed": "v0:{timestamp}:{body}",
        },
    ),
    type="event",
    keys={ANY_TYPE: "[event, event_ts, payload]"},
    needs_json=True,
    handshakes=(
        Handshake(
            "POST",
            when="event == 'endpoint.url_validation'",
            challenge="payload.plainToken",
            answer={"encryptedToken": "{hmac}", "plainToken": "{challenge}"},
        ),
    ),
    samples=(_sample("meeting.started", topic="Hello"), _sample("meeting.ended", topic="Hello")),
)
