"""Typeform: answers to forms. The signature is in base64 after `sha256=`."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, **more: object) -> Sample:
    response = {"form_id": "lT4Z3j", "token": "a3a12ec67a1365927098a606107fac15", "landed_at": "{now}", **more}
    return Sample(event_type, {"event_id": "{uuid}", "event_type": event_type, "form_response": response})


PRESET = Preset(
    name="typeform",
    title="Typeform",
    page="https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
    verify=({"scheme": "hmac", "header": "Typeform-Signature", "encoding": "base64", "prefix": "sha256="},),
    type="event_type",
    keys={ANY_TYPE: "event_id"},
    needs_json=True,
    max_body="5MiB",
    samples=(
        _sample(
            "form_response",
            submitted_at="{now}",
            answers=[{"type": "text", "text": "It's cold right now!", "field": {"id": "DlXFaesGBpoF"}}],
        ),
        _sample("form_response_partial", answers=[]),
    ),
)
