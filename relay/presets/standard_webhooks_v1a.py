"""Any sender that keeps to Standard Webhooks with signatures by Ed25519, version 1a.

The secret is its public key, `whpk_…`.
No released library of the project verifies this version yet.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

PRESET = Preset(
    name="standard-webhooks-v1a",
    title="Standard Webhooks (Ed25519)",
    page="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
    verify=(
        {
            "scheme": "ed25519",
            "header": "webhook-signature",
            "encoding": "base64",
            "prefix": "v1a,",
            "separator": " ",
            "signed": "{id}.{timestamp}.{body}",
            "id_header": "webhook-id",
            "timestamp_header": "webhook-timestamp",
        },
    ),
    type="type",
    keys={ANY_TYPE: "header:webhook-id"},
    samples=(
        Sample("contact.created", {"type": "contact.created", "timestamp": "{now}", "data": {"id": "{uuid}"}}),
        Sample("contact.deleted", {"type": "contact.deleted", "timestamp": "{now}", "data": {"id": "{uuid}"}}),
    ),
)
