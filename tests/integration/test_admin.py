"""The admin door: who may read, and what is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from relay.domain import Secret
from relay.health import Health
from relay.lanes import Lanes
from relay.store.protocol import Store
from relay.web.admin import AdminDoor
from tests.builders import a_lease, a_plan, an_event, dead
from tests.conftest import ManualClock

TOKEN = "a-token-of-the-admin"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}

Client: TypeAlias = "TestClient[web.Request, web.Application]"


@pytest.fixture
async def admin(store: Store, clock: ManualClock) -> AsyncIterator[Client]:
    async def exposition() -> bytes:
        return b"relay_backlog 0\n"

    door = AdminDoor(store, Lanes([]), clock, exposition, (Secret(TOKEN),), Health(store, None, [], None, clock))
    async with TestClient(TestServer(door.application())) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
async def test_without_its_token_the_api_tells_nothing(admin: Client, headers: dict[str, str]) -> None:
    """None, wrong, empty, or of another scheme: refused alike; nor does it count in the query."""
    answer = await admin.get(f"/api/v1/targets?token={TOKEN}", headers=headers)

    assert (401, "Bearer") == (answer.status, answer.headers["WWW-Authenticate"])


async def test_an_events_whole_story_is_told(admin: Client, store: Store) -> None:
    """Did it arrive, and if not, why?"""
    event = an_event(body=b"<b>bytes</b>")
    receipt = await store.accept(event, a_plan("erp"), {0: a_lease()})
    await store.settle(dead(receipt.deliveries[0]))

    told = orjson.loads(await (await admin.get(f"/api/v1/events/{event.id}", headers=KNOWN)).read())

    assert (event.id, "shop", "order.paid", 12) == (told["id"], told["source"], told["type"], told["body_bytes"])
    (delivery,) = told["deliveries"]
    assert ("erp", "dead", "rejected") == (delivery["target"], delivery["status"], delivery["reason"])
    assert [1] == [attempt["number"] for attempt in delivery["attempts"]]


async def test_a_body_is_to_be_saved_and_never_shown(admin: Client, store: Store) -> None:
    """What a vendor sent must not run in the operator's browser."""
    event = an_event(body=b"<script>alert(1)</script>")
    await store.accept(event, a_plan("erp"), {})

    answer = await admin.get(f"/api/v1/events/{event.id}/body", headers=KNOWN)

    assert event.body == await answer.read()
    assert "application/octet-stream" == answer.headers["Content-Type"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_a_replay_goes_out_whatever_became_of_the_event(admin: Client, store: Store) -> None:
    """Promise 7."""
    event = an_event()
    receipt = await store.accept(event, a_plan("erp"), {0: a_lease()})
    await store.settle(dead(receipt.deliveries[0]))

    answer = await admin.post(f"/api/v1/events/{event.id}/replay", headers=KNOWN)

    assert (202, {"id": event.id, "replayed": 1}) == (answer.status, await answer.json())
    assert 1 == (await store.lanes())["erp"].unfinished


async def test_what_is_not_there_is_told_as_a_problem(admin: Client) -> None:
    """One form for every error."""
    unknown = await admin.get("/api/v1/events/evt_unknown", headers=KNOWN)
    nothing = await admin.get("/elsewhere")
    wrong = await admin.delete("/metrics")

    assert [404, 404, 405] == [unknown.status, nothing.status, wrong.status]
    assert {"application/problem+json"} == {answer.headers["Content-Type"] for answer in (unknown, nothing, wrong)}
    assert "There is no such event" in (await unknown.json())["detail"]


async def test_the_probes_need_no_token(admin: Client, clock: ManualClock, tmp_path: Path) -> None:
    """A process without a public port is asked here, by whoever started it; they tell no content and no secret."""
    assert [200, 200] == [(await admin.get(path)).status for path in ("/healthz", "/readyz")]

    (tmp_path / "relay.db").rename(tmp_path / "moved.db")
    clock.advance(1)

    assert [200, 503] == [(await admin.get(path)).status for path in ("/healthz", "/readyz")]


async def test_metrics_need_no_token(admin: Client) -> None:
    """They tell names and numbers, on a port that is not public."""
    assert b"relay_backlog 0\n" == await (await admin.get("/metrics")).read()
