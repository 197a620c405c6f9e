"""Pennylane: companies' books. What it calls the delivery's id stays when it is tried again, unlike `retry_count`.

Its webhooks are a beta. How old a signed time may be is not documented: five minutes, as for others.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event: str, **data: object) -> Sample:
    context = {"company_id": "abc-123", "firm_id": "firm-456"}
    body = {"id": "{now_ms}", "event": event, "retry_count": 0, "created": 1782864000}
    return Sample(event, {**body, "data": {"context": context, **data}})


PRESET = Preset(
    name="pennylane",
    title="Pennylane",
    page="https://pennylane.readme.io/docs/authorization",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-Pennylane-Signature",
            "separator": ",",
            "prefix": "v1=",
            "timestamp_prefix": "t=",
            "signed": "{timestamp}.{body}",
        },
    ),
    type="event",
    keys={ANY_TYPE: "id"},
    needs_json=True,
    samples=(
        _sample(
            "customer_invoice.e_invoicing_status_updated",
            object={"id": 42, "e_invoicing": {"status": "accepted"}},
            previous_attributes={"e_invoicing": {"status": "submitted"}},
        ),
    ),
)
