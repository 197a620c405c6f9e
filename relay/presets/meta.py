"""Meta: Facebook pages, Instagram, WhatsApp. `verify_token` is the word that you enter there to prove the URL is yours.

Meta numbers no requests: the bytes of the body are the key. Several changes may come in one, which stays one event.
A request of WhatsApp may have 3 MB.
"""

from relay.handshakes import Handshake
from relay.presets import Preset, Sample


def _sample(kind: str, entry: dict[str, object]) -> Sample:
    return Sample(kind, {"object": kind, "entry": [entry]})


PRESET = Preset(
    name="meta",
    title="Meta (Facebook, Instagram, WhatsApp)",
    page="https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
    verify=({"scheme": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256="},),
    type="object",
    needs_json=True,
    max_body="4MiB",
    handshakes=(
        Handshake("GET", challenge="hub.challenge", equals={"hub.mode": "subscribe"}, token="hub.verify_token"),  # noqa: S106
    ),
    samples=(
        _sample("page", {"id": "{uuid}", "time": "{now_ms}", "changes": [{"field": "feed", "value": {}}]}),
        _sample(
            "whatsapp_business_account",
            {"id": "1", "changes": [{"field": "messages", "value": {"messages": [{"id": "wamid.{uuid}"}]}}]},
        ),
    ),
)
