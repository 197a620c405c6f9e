"""Xero: what changed in organisations' books, many changes in one request. The secret is the webhook's signing key.

No answer may have a body. To ask for the URL ("intent to receive"), requests without events are sent, some of them
badly signed, which must get 401. Xero numbers no events: each is known by all it says. It tries for 24 hours, and then
disables the webhook.
"""

from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(category: str, event_type: str) -> Sample:
    event = {
        "resourceUrl": "https://api.xero.com/api.xro/2.0/Contacts/717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
        "resourceId": "{uuid}",
        "eventDateUtc": "{now}",
        "eventType": event_type,
        "eventCategory": category,
        "tenantId": "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
        "tenantType": "ORGANISATION",
    }
    body = {"events": [event], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "S0m3r4Nd0mt3xt"}
    return Sample(f"{category}.{event_type}", body)


PRESET = Preset(
    name="xero",
    title="Xero",
    page="https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/",
    verify=({"scheme": "hmac", "header": "x-xero-signature", "encoding": "base64"},),
    type="join('.', [eventCategory, eventType])",
    respond_body="none",
    batch="events",
    handshakes=(Handshake("POST", when="events == `[]`", answer=""),),
    samples=(_sample("CONTACT", "UPDATE"), _sample("INVOICE", "CREATE")),
)
