"""Intuit QuickBooks: what changed in companies' books, many changes in one request. The secret is the verifier token.

CloudEvents, in a list, have an id each. The form that they replaced, one object of `eventNotifications`, has none and
stays one event, known by all it says.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset, Sample


def _sample(event_type: str) -> Sample:
    event = {
        "specversion": "1.0",
        "id": "{uuid}",
        "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
        "type": event_type,
        "datacontenttype": "application/json",
        "time": "{now}",
        "intuitentityid": "95",
        "intuitaccountid": "310687",
        "data": {},
    }
    return Sample(event_type, [event])


PRESET = Preset(
    name="intuit",
    title="Intuit QuickBooks",
    page="https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks",
    verify=({"scheme": "hmac", "header": "intuit-signature", "encoding": "base64"},),
    type="type || eventNotifications && 'eventNotifications'",
    keys={ANY_TYPE: "id || to_string(@)"},
    needs_json=True,
    max_body="5MiB",
    batch="@",
    samples=(_sample("qbo.invoice.created.v1"), _sample("qbo.customer.updated.v1")),
)
