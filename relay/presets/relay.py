"""Another relay of this kind, whose target says `kind: relay`."""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

PRESET = Preset(
    name="relay",
    title="callback-relay",
    page="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",  # how it signs
    verify=({"scheme": "standard-webhooks"},),
    type="header:X-Relay-Type",
    keys={ANY_TYPE: "header:webhook-id"},
    max_body="50MiB",
    samples=(Sample("invoice", {"type": "invoice", "id": "{uuid}"}, {"X-Relay-Type": "invoice"}),),
)
