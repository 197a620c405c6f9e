"""Discord: interactions and webhook events. The secret is the application's public key.

A ping asks for the URL; deliberately bad signatures are sent, too, and must get 401. An event is answered with 204 and
no body, or else it is sent again; an interaction, by then, only where a target calls its callback within three seconds.
"""

from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.presets import Preset, Sample

PRESET = Preset(
    name="discord",
    title="Discord",
    page="https://docs.discord.com/developers/interactions/overview",
    verify=(
        {
            "scheme": "ed25519",
            "header": "X-Signature-Ed25519",
            "timestamp_header": "X-Signature-Timestamp",
            "signed": "{timestamp}{body}",
        },
    ),
    type="event.type || to_string(type)",
    keys={ANY_TYPE: "id || to_string(@)"},
    needs_json=True,
    respond_status=204,
    respond_body="none",
    handshakes=(
        Handshake("POST", when="type == `1` && !event", answer={"type": 1}),
        Handshake("POST", when="type == `0`", answer="", status=204, content_type="application/json"),
    ),
    samples=(
        Sample("2", {"id": "{uuid}", "application_id": "1", "type": 2, "data": {"name": "hello"}, "token": "aW50ZXI"}),
        Sample(
            "APPLICATION_AUTHORIZED",
            {
                "version": 1,
                "application_id": "1",
                "type": 1,
                "event": {"type": "APPLICATION_AUTHORIZED", "timestamp": "{now}", "data": {"user": {"id": "{uuid}"}}},
            },
        ),
    ),
)
