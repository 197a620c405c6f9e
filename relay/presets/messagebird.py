"""MessageBird (Bird): a signed token names body and URL by their digests. The secret is the account's signing key.

Of the algorithms that its SDK takes, only HS256 is taken here: a source has one algorithm. What names an event stands
in the token, not in the body, and other products send other bodies: the raw body is the key.
"""

from relay.presets import Preset, Sample


def _sample(event_type: str, **message: object) -> Sample:
    return Sample(event_type, {"type": event_type, "message": {"id": "{uuid}", "createdDatetime": "{now}", **message}})


PRESET = Preset(
    name="messagebird",
    title="MessageBird",
    page="https://developers.messagebird.com/api/#verifying-http-requests",
    verify=(
        {
            "scheme": "jwt",
            "header": "MessageBird-Signature-JWT",
            "algorithm": "HS256",
            "issuer": "MessageBird",
            "body_claim": "payload_hash",
            "url_claim": "url_hash",
            "tolerance": "1m",
        },
    ),
    type="type",
    samples=(
        _sample("message.created", direction="received", status="received"),
        _sample("message.updated", direction="sent", status="delivered"),
    ),
)
