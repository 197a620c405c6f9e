"""Mollie's webhooks that are subscribed to. While a secret is replaced the header comes once for each.

The older ones, an id and nothing else, are `mollie-classic`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str, entity: str) -> Sample:
    body = {
        "resource": "event",
        "id": "event_{uuid}",
        "type": event_type,
        "entityId": entity,
        "createdAt": "{now}",
        "_links": {"self": {"href": "https://api.mollie.com/v2/events/event_{uuid}", "type": "application/hal+json"}},
    }
    return Sample(event_type, body)


PRESET = Preset(
    name="mollie",
    title="Mollie",
    page="https://docs.mollie.com/reference/webhooks-new",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Mollie-Signature",
            "prefix": "sha256=",
            "prefix_optional": True,
            "repeats": True,
        },
    ),
    type="type",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    samples=(_sample("payment-link.paid", "pl_4Y0eZitmBnQ6IDoMqZQKh"), _sample("profile.blocked", "pfl_QkEhN94Ba")),
)
