"""X, once Twitter: what happens in accounts. The secret is the app's consumer secret (API secret key).

An hourly challenge (CRC) asks for the URL. Its answer is made with the secret, so that it is given only to a request
whose query X has signed, and to no stranger. Events have no id: the bytes of the body are the key.
"""

from relay.handshakes import Handshake
from relay.presets import Preset, Sample

PRESET = Preset(
    name="x",
    title="X (Twitter)",
    page="https://docs.x.com/x-api/webhooks/quickstart",
    verify=({"scheme": "hmac", "header": "x-twitter-webhooks-signature", "encoding": "base64", "prefix": "sha256="},),
    type="data.event_type || (keys(@)[?ends_with(@, '_events') || ends_with(@, '_event')] | [0])",
    needs_json=True,
    handshakes=(
        Handshake(
            "GET",
            challenge="crc_token",
            signed="x-twitter-webhooks-signature",
            answer={"response_token": "sha256={hmac_base64}"},
        ),
    ),
    samples=(
        Sample(
            "post.mention.create",
            {"data": {"event_type": "post.mention.create", "payload": {"id": "{uuid}", "text": "Hello"}}},
        ),
        Sample("tweet_create_events", {"for_user_id": "2244994945", "tweet_create_events": [{"id_str": "{uuid}"}]}),
    ),
)
