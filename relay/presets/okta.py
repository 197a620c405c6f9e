"""Okta's event hooks, many events in one request. The secret is what you enter there for the field `Authorization`.

Another field is `verify: {scheme: header, header: NAME}` beside the preset. To ask for the URL, a challenge is sent in
a header. What is answered to events is to be empty.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(event_type: str, message: str) -> Sample:
    event = {
        "uuid": "{uuid}",
        "published": "{now}",
        "eventType": event_type,
        "version": "0",
        "displayMessage": message,
        "severity": "INFO",
        "outcome": {"result": "SUCCESS", "reason": None},
    }
    body = {
        "eventType": "com.okta.event_hook",
        "eventTypeVersion": "1.0",
        "cloudEventsVersion": "0.1",
        "source": "https://example.okta.com/api/v1/eventHooks/whoql0HfiLGPWc8Jx0g3",
        "eventId": "{uuid}",
        "data": {"events": [event]},
        "eventTime": "{now}",
        "contentType": "application/json",
    }
    return Sample(event_type, body)


PRESET = Preset(
    name="okta",
    title="Okta",
    page="https://developer.okta.com/docs/concepts/event-hooks/",
    verify=({"scheme": "header", "header": "Authorization"},),
    type="eventType",
    keys={ANY_TYPE: "uuid"},
    needs_json=True,
    respond_body="none",
    batch="data.events",
    handshakes=(
        Handshake("GET", challenge="header:X-Okta-Verification-Challenge", answer={"verification": "{challenge}"}),
    ),
    samples=(
        _sample("user.lifecycle.create", "Create Okta user"),
        _sample("group.user_membership.add", "Add user to group membership"),
    ),
)
