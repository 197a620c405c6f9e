"""HubSpot, by its newest signature: method, URL, body and time. The secret is the app's client secret.

Many events come in one request. `eventId` alone is not promised to be unique, and `attemptNumber` changes with each
try, so that the portal, the subscription's type and the time name an event with it. HubSpot decodes some characters
of the URL before it signs; its SDKs take the URL as they are given it.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset
from relay.presets._hubspot import KEY, SAMPLES

PRESET = Preset(
    name="hubspot-v3",
    title="HubSpot (signature v3)",
    page="https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
    verify=(
        {
            "scheme": "hmac",
            "header": "X-HubSpot-Signature-v3",
            "encoding": "base64",
            "timestamp_header": "X-HubSpot-Request-Timestamp",
            "time": "milliseconds",
            "signed": "{method}{decoded_url}{body}{timestamp}",
        },
    ),
    type="subscriptionType",
    keys={ANY_TYPE: KEY},
    needs_json=True,
    batch="@",
    samples=SAMPLES,
)
