"""Discord's requests and pings, signed by PyNaCl, accepted by its Python SDK."""

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
    return {
        "X-Signature-Ed25519": KEY.sign(time.encode() + body).signature.hex(),
        "X-Signature-Timestamp": time,
    }


def accepts(body: bytes, headers: Mapping[str, str]) -> object:
    return verify_key(body, headers["X-Signature-Ed25519"], headers["X-Signature-Timestamp"], PUBLIC)


write(
    "discord",
    of_package("PyNaCl"),
    sign,
    judge=(of_package("discord-interactions"), accepts),
    secret=PUBLIC,
    answered=204,
    handshakes=[
        {"method": "POST", "headers": sign(PING.encode(), {}), "body": PING, "status": 200, "answer": '{"type":1}'},
        {"method": "POST", "headers": sign(EVENTS_PING.encode(), {}), "body": EVENTS_PING, "status": 204, "answer": ""},
    ],
)
