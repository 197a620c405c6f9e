"""HubSpot, by its signature v2: a plain SHA-256 of secret, method, URL and body. The secret is the app's client secret.

Whoever has seen one could make that of a longer body, which then is no JSON, and is refused as such.
Nothing tells its age. `hubspot-v3` is the better choice wherever HubSpot offers it; events are named as there.
"""

from relay.domain import ANY_TYPE
from relay.presets import Preset
from relay.presets._hubspot import KEY, SAMPLES

PRESET = Preset(
    name="hubspot-v2",
    title="HubSpot (signature v2)",
    page="https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
    verify=({"scheme": "digest", "header": "X-HubSpot-Signature", "signed": "{method}{url}{body}"},),
    type="subscriptionType",
    keys={ANY_TYPE: KEY},
    needs_json=True,
    batch="@",
    samples=SAMPLES,
)
