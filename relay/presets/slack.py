"""Slack: the Events API, commands and interactions, of which the latter two are forms.

What is answered to these two is shown to a person, and no body is what says that it was heard: so there is none.
To ask for the URL, a signed `url_verification` is sent, whose challenge must come back.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(event_type: str, **event: object) -> Sample:
    body = {"type": "event_callback", "event_id": "Ev{uuid}", "team_id": "T123", "event": {"type": event_type, **event}}
    return Sample(event_type, body)


PRESET = Preset(
    name="slack",
    title="Slack",
    page="https://docs.slack.dev/authentication/verifying-requests-from-slack/",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Slack-Signature",
            "prefix": "v0=",
            "timestamp_header": "X-Slack-Request-Timestamp",
            "signed": "v0:{timestamp}:{body}",
        },
    ),
    type="event.type || type || command",
    keys={ANY_TYPE: "event_id || trigger_id || to_string(@)"},
    respond_body="none",
    handshakes=(Handshake("POST", when="type == 'url_verification'", challenge="challenge"),),
    samples=(
        _sample("message", channel="C123", user="U123", text="Hello", ts="1782907200.000100"),
        _sample("app_mention", channel="C123", user="U123", text="<@U0> hello", ts="1782907200.000200"),
    ),
)
