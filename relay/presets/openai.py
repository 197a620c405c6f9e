"""OpenAI: batches, answers made in the background, fine-tuning. It keeps to Standard Webhooks."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, of: str) -> Sample:
    body = {
        "object": "event",
        "id": "evt_{uuid}",
        "type": event_type,
        "created_at": 1782907200,
        "data": {"id": f"{of}_{{uuid}}"},
    }
    return Sample(event_type, body)


PRESET = Preset(
    name="openai",
    title="OpenAI",
    page="https://developers.openai.com/api/docs/guides/webhooks",
    verify=({"scheme": "standard-webhooks"},),
    type="type",
    keys={ANY_TYPE: "header:webhook-id"},
    samples=(_sample("response.completed", "resp"), _sample("batch.completed", "batch")),
)
