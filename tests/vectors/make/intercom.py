"""Intercom's requests, its ping without an id among them, signed by OpenSSL as its page says: no SDK does it."""

import json
from collections.abc import Mapping

from tests.vectors.make.openssl import hmac_of
from tests.vectors.make.vectors import write

ITEM = {"type": "ping", "message": "something something interzen"}
PING = json.dumps(
    {
        "type": "notification_event",
        "app_id": "a86dr8yl",
        "data": {"type": "notification_event_data", "item": ITEM},
        "links": {},
        "id": None,
        "topic": "ping",
        "delivery_status": None,
        "delivery_attempts": 1,
        "delivered_at": 0,
        "first_sent_at": 1782907200,
        "created_at": 1782907200,
        "self": None,
    }
)


def sign(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Hub-Signature": f"sha1={hmac_of(body, 'sha1').hex()}"}


write(
    "intercom",
    "OpenSSL",
    sign,
    more=[{"name": "a ping", "type": "ping", "headers": sign(PING.encode(), {}), "body": PING}],
    handshakes=[{"method": "HEAD", "status": 200, "answer": ""}],
)
