"""GoCardless: mandates and payments, up to 250 events in one request. Each has its id, which stays when tried again.

An event's type is what it is about and what happened to it, as `payments.failed`.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(resource_type: str, action: str, cause: str, link: str) -> Sample:
    event = {
        "id": "EV{uuid}",
        "created_at": "{now}",
        "resource_type": resource_type,
        "action": action,
        "metadata": {},
        "details": {"origin": "bank", "cause": cause, "description": "As the bank told us."},
        "links": {link: "XX00012345678"},
    }
    return Sample(f"{resource_type}.{action}", {"events": [event], "meta": {"webhook_id": "WB{uuid}"}})


PRESET = Preset(
    name="gocardless",
    title="GoCardless",
    page="https://developer.gocardless.com/api-reference/#appendix-webhooks",
    verify=({"scheme": "hmac", "header": "Webhook-Signature"},),
    type="join('.', [resource_type, action])",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    batch="events",
    samples=(
        _sample("payments", "failed", "insufficient_funds", "payment"),
        _sample("mandates", "active", "mandate_activated", "mandate"),
    ),
)
