"""Any sender that keeps to Standard Webhooks, version 1."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

PRESET = Preset(
    name="standard-webhooks",
    title="Standard Webhooks",
    page="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
    verify=({"scheme": "standard-webhooks"},),
    type="type",
    keys={ANY_TYPE: "header:webhook-id"},
    samples=(
        Sample("contact.created", {"type": "contact.created", "timestamp": "{now}", "data": {"id": "{uuid}"}}),
        Sample("contact.deleted", {"type": "contact.deleted", "timestamp": "{now}", "data": {"id": "{uuid}"}}),
    ),
)
