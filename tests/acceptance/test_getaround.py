"""Getaround, as it really is: signatures as OpenSSL makes them, every type, repeats, and events out of order."""

import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.sink import Sink, digest
from tests.patience import WAIT_S_MAX
from tests.storage import Storage

SECRET = "getaround-shared-secret"
PERIOD = {"car_id": 715893, "starts_at": "2026-08-01T00:00:00Z", "ends_at": "2026-08-03T23:30:00Z"}
DATA_BY_TYPE: Mapping[str, Mapping[str, object]] = {
    "ping": {"ping": "pong"},
    "rental.booked": {"rental_id": 1},
    "rental.canceled": {"rental_id": 1},
    "rental.car_checked_in": {"rental_id": 1},
    "rental.car_checked_out": {"rental_id": 1},
    "rental.times_changed": {"rental_id": 1},
    "rental.car_switched": {"rental_id": 1},
    "unavailability.created": {**PERIOD, "reason": "other"},
    "unavailability.deleted": PERIOD,
    "user.updated": {"user_id": 1},
    "message.sent": {"rental_id": 1, "message_id": 2},
}


@pytest.fixture
async def relay(tmp_path: Path, storage: Storage, sink: Sink) -> AsyncIterator[Program]:
    parts = {
        "sources": {"getaround": {"preset": "getaround", "secrets": [SECRET]}},
        "targets": {"erp": {"url": sink.url, "allow_private": True, "pass_headers": ["X-Drivy-Signature"]}},
        "routes": [{"from": "getaround", "to": "erp"}],
    }
    async with started(configured(tmp_path, parts, storage=storage)) as program:
        yield program


def an_event(event_type: str = "rental.booked", occurred_at: str = "2019-04-18T08:30:05Z") -> bytes:
    return json.dumps({"type": event_type, "data": DATA_BY_TYPE[event_type], "occurred_at": occurred_at}).encode()


def signature_of(body: bytes) -> str:
    """Sign as the vendor's page shows it; where there is no OpenSSL, by the same algorithm."""
    if (openssl := shutil.which("openssl")) is None:
        return hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    command = [openssl, "dgst", "-sha1", "-hmac", SECRET]
    printed = subprocess.run(command, input=body, capture_output=True, check=True, timeout=WAIT_S_MAX).stdout
    return printed.decode().strip().rpartition(" ")[2]


async def post(relay: Program, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    async with (
        session() as http,
        http.post(
            f"{relay.url}/in/getaround", data=body, headers={"Content-Type": "application/json", **headers}
        ) as got,
    ):
        return got.status, await got.json(content_type=None)


async def post_signed(relay: Program, body: bytes) -> dict[str, Any]:
    status, answer = await post(relay, body, {"X-Drivy-Signature": f"sha1={signature_of(body)}"})
    assert 200 == status
    return answer


async def test_every_type_and_the_ping_are_taken_and_carried_with_their_signature(relay: Program, sink: Sink) -> None:
    """All ten types, and the ping by which a new subscription is tried."""
    bodies = {event_type: an_event(event_type) for event_type in DATA_BY_TYPE}
    answers = {event_type: await post_signed(relay, body) for event_type, body in bodies.items()}
    arrivals = {event_type: await sink.has(answer["id"]) for event_type, answer in answers.items()}

    assert {"accepted"} == {answer["status"] for answer in answers.values()}
    assert {kind: digest(body) for kind, body in bodies.items()} == {k: a.digest for k, a in arrivals.items()}
    assert list(DATA_BY_TYPE) == [arrival.headers["X-Relay-Type"] for arrival in arrivals.values()]
    assert f"sha1={signature_of(bodies['ping'])}" == arrivals["ping"].headers["X-Drivy-Signature"]


async def test_the_same_event_five_times_is_delivered_once(relay: Program, sink: Sink) -> None:
    """Getaround asks receivers to be idempotent: it repeats for three days."""
    body = an_event()
    answers = [await post_signed(relay, body) for _ in range(5)]
    await relay.is_settled()

    assert ["accepted", *["duplicate"] * 4] == [answer["status"] for answer in answers]
    assert [answers[0]["id"]] == [arrival.event_id for arrival in sink.arrivals]


async def test_events_out_of_order_are_each_taken(relay: Program, sink: Sink) -> None:
    """Order is not guaranteed: an older event after a newer one is news, to be reconciled by `occurred_at`."""
    newer = await post_signed(relay, an_event("rental.canceled", "2019-04-18T08:30:05Z"))
    older = await post_signed(relay, an_event("rental.booked", "2019-04-17T08:30:05Z"))
    same_but_later = await post_signed(relay, an_event("rental.booked", "2019-04-19T08:30:05Z"))
    await relay.is_settled()

    assert {newer["id"], older["id"], same_but_later["id"]} == sink.ids


def forgeries(body: bytes, signature: str) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return requests that are nearly genuine: each a body, and its headers."""
    return {
        "a flipped bit": (body[:-1] + bytes([body[-1] ^ 1]), {"X-Drivy-Signature": f"sha1={signature}"}),
        "no header": (body, {}),
        "an empty header": (body, {"X-Drivy-Signature": ""}),
        "a cut signature": (body, {"X-Drivy-Signature": f"sha1={signature[:-1]}"}),
        "no prefix": (body, {"X-Drivy-Signature": signature}),
        "another prefix": (body, {"X-Drivy-Signature": f"sha256={signature}"}),
    }


async def test_nothing_forged_is_stored_or_carried(relay: Program, sink: Sink) -> None:
    """401, without a hint; and the genuine event afterwards finds its key unused."""
    body = an_event()
    refusals = {name: await post(relay, *forged) for name, forged in forgeries(body, signature_of(body)).items()}
    stored_by_forgers = relay.rows("SELECT id FROM events")
    genuine = await post_signed(relay, body)
    await relay.is_settled()

    assert dict.fromkeys(refusals, 401) == {name: status for name, (status, _) in refusals.items()}
    assert 1 == len({answer["detail"] for _, answer in refusals.values()})
    assert [] == stored_by_forgers
    assert "accepted" == genuine["status"]
    assert [(genuine["id"],)] == relay.rows("SELECT id FROM events")
    assert {genuine["id"]} == sink.ids
