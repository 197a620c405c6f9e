"""Svix, and those who send by it (Clerk, Resend and many more): Standard Webhooks under headers of its own.

Who sends by Svix with headers that begin with `webhook-` is `standard-webhooks`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample

PRESET = Preset(
    name="svix",
    title="Svix (Clerk, Resend, …)",
    page="https://docs.svix.com/receiving/verifying-payloads/how-manual",
    verify=(
        {
            "scheme": "hmac",
            "header": "svix-signature",
            "encoding": "base64",
            "key_from": "base64",
            "prefix": "v1,",
            "separator": " ",
            "signed": "{id}.{timestamp}.{body}",
            "id_header": "svix-id",
            "timestamp_header": "svix-timestamp",
        },
    ),
    type="type",
    keys={ANY_TYPE: "header:svix-id"},
    samples=(
        Sample("user.created", {"type": "user.created", "object": "event", "data": {"id": "user_{uuid}"}}),
        Sample("email.delivered", {"type": "email.delivered", "created_at": "{now}", "data": {"email_id": "{uuid}"}}),
    ),
)
