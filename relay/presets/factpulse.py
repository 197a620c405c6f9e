"""FactPulse: electronic invoices, made, validated, signed and submitted.

No id is documented: the bytes of the body are the key. Documents come within the body, or as an address that lives for
an hour: a replay of such an event comes too late for it.
"""

from relay.presets import Preset, Sample


def _sample(event_type: str, **data: object) -> Sample:
    return Sample(event_type, {"event_type": event_type, "data": {"taskId": "{uuid}", **data}})


PRESET = Preset(
    name="factpulse",
    title="FactPulse",
    page="https://pypi.org/project/factpulse/",
    verify=({"scheme": "hmac", "header": "X-Webhook-Signature", "prefix": "sha256="},),
    type="event_type",
    max_body="50MiB",
    samples=(
        _sample("generation.completed", content="JVBERi0xLjcK"),
        _sample("validation.completed", isCompliant=True),
        _sample("signature.completed", content="JVBERi0xLjcK"),
        _sample("submission.completed", afnorResult={"flowId": "{uuid}"}),
        _sample("generation.failed", error="NO_SELLER"),
        _sample("validation.failed", error="NO_XML"),
        _sample("submission.failed", error="REFUSED"),
    ),
)
