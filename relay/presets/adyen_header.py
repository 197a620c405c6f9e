"""Adyen's platform and management webhooks, signed in a header. The secret is the HMAC key, in hex, as Adyen shows it.

What names an event differs from type to type, and is numbered within some: the raw body is the key.
"""

from relay.presets import Preset, Sample


def _sample(event_type: str, **data: object) -> Sample:
    body = {"data": data, "environment": "test", "timestamp": "{now}", "type": event_type}
    return Sample(event_type, body)


PRESET = Preset(
    name="adyen-header",
    title="Adyen (platforms, management)",
    page="https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures",
    verify=({"scheme": "hmac", "header": "HmacSignature", "encoding": "base64", "key_from": "hex"},),
    type="type",
    needs_json=True,
    samples=(
        _sample("balancePlatform.transaction.created", id="EVJN{uuid}", balancePlatform="YOUR_BALANCE_PLATFORM"),
        _sample("balancePlatform.transfer.updated", id="1W1UG{uuid}", sequenceNumber=2, status="authorised"),
    ),
)
