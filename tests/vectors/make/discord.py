"""Discord's requests and pings, signed by PyNaCl, each accepted by Discord's Python SDK."""

import json
from collections.abc import Mapping

from discord_interactions import verify_key
from nacl.signing import SigningKey

from tests.vectors.make.vectors import NOW_S, of_package, write

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key).hex()
PING = json.dumps({"id": "1", "application_id": "1", "type": 1, "token": "t", "version": 1})
EVENTS_PING = json.dumps({"version": 1, "application_id": "1", "type": 0})


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    time = str(NOW_S)
    signature = KEY.sign(time.encode() + body).signature.hex()
    assert verify_key(body, signature, time, PUBLIC)
    return {"X-Signature-Ed25519": signature, "X-Signature-Timestamp": time}


write(
    "discord",
    f"PyNaCl, accepted by {of_package('discord-interactions')}",
    sign,
    secret=PUBLIC,
    handshakes=[
        {"method": "POST", "headers": sign(PING.encode(), {}), "body": PING, "status": 200, "answer": '{"type":1}'},
        {"method": "POST", "headers": sign(EVENTS_PING.encode(), {}), "body": EVENTS_PING, "status": 204, "answer": ""},
    ],
)
