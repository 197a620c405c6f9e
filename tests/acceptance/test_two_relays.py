"""Two real programs, one behind the other: what the first accepts, the second has once."""

import hashlib
import hmac
import json
from pathlib import Path

from tests.acceptance.program import configured, session, started
from tests.acceptance.sink import Sink, digest
from tests.storage import Storage

SECRET = "a-secret-of-the-vendor"
BETWEEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "rental.booked", "data": {"rental_id": 1}, "occurred_at": "2026-07-01T12:00:00Z"}).encode()


async def test_an_event_reaches_the_last_target_once_and_as_it_came(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """Bytes, the vendor's signature and its type; the second knows it by the id that the first gave it."""
    (tmp_path / "inner").mkdir()
    inner_parts = {
        "sources": {"upstream": {"preset": "relay", "secret": BETWEEN}},
        "targets": {"erp": {"url": sink.url, "allow_private": True, "pass_headers": ["X-Drivy-Signature"]}},
        "routes": [{"from": "upstream", "to": "erp", "when": "type == 'rental.booked'"}],
    }
    signature = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    async with started(configured(tmp_path / "inner", inner_parts)) as inner:
        outer_parts = {
            "sources": {"getaround": {"preset": "getaround", "secret": SECRET}},
            "targets": {
                "inner": {"kind": "relay", "url": f"{inner.url}/in/upstream", "secrets": BETWEEN, "allow_private": True}
            },
            "routes": [{"from": "getaround", "to": "inner"}],
            "admin": {"listen": "127.0.0.1:0", "tokens": ["a-token-of-the-admin"]},
        }
        async with started(configured(tmp_path, outer_parts, storage=storage)) as outer, session() as http:
            async with http.post(
                f"{outer.url}/in/getaround", data=BODY, headers={"X-Drivy-Signature": signature}
            ) as answer:
                event_id = (await answer.json())["id"]
            await inner.has_said('"event":"delivery_attempted"')
            ((key, event_type),) = inner.rows("SELECT CAST(key AS TEXT), type FROM events")
            ((status,),) = outer.rows("SELECT status FROM deliveries")

    (arrival,) = sink.arrivals
    assert (event_id, "rental.booked") == (key, event_type)
    assert "delivered" == status
    assert digest(BODY) == arrival.digest
    assert signature == arrival.headers["X-Drivy-Signature"]
