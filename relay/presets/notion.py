"""Notion: pages, databases, comments. The secret is the verification token, which Notion chooses and sends once.

Write the source without a secret, and enter its URL there: what Notion then sends is kept in a file, whose place the
log tells as `secret_offered`. Enter it where Notion asks for it, and make it the source's `secret`. Until then every
event is refused. To have another token sent later, take the secret out again.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample

TOKEN = "verification_token"  # noqa: S105 - its place, not its value


def _sample(event_type: str, **data: object) -> Sample:
    body = {
        "id": "{uuid}",
        "timestamp": "{now}",
        "workspace_id": "13950b26-c203-4f3b-b97d-93ec06319565",
        "subscription_id": "29d75c0d-5546-4414-8459-7b7a92f1fc4b",
        "integration_id": "0ef2e755-4912-8096-91c1-00376a88a5ca",
        "type": event_type,
        "attempt_number": 1,
        "entity": {"id": "153104cd-477e-809d-8dc4-ff2d96ae3090", "type": "page"},
        "data": data,
    }
    return Sample(event_type, body)


PRESET = Preset(
    name="notion",
    title="Notion",
    page="https://developers.notion.com/reference/webhooks",
    verify=({"scheme": "hmac", "header": "X-Notion-Signature", "prefix": "sha256="},),
    type="type",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    handshakes=(
        Handshake("POST", knows=TOKEN, answer=""),
        Handshake("POST", offers=TOKEN, answer=""),
    ),
    samples=(
        _sample("page.created", parent={"id": "13950b26-c203-4f3b-b97d-93ec06319565", "type": "space"}),
        _sample("page.properties_updated", updated_properties=["title"]),
    ),
)
