"""The admin door: who may read, and what is told."""

from datetime import timedelta

import orjson
import pytest

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.store.protocol import Store
from tests.admin import KNOWN, TOKEN, Client
from tests.builders import a_lease, a_plan, an_event, dead
from tests.conftest import START, ManualClock

BROKEN = Breaker(BreakerState.OPEN, 10, None, START, START + timedelta(seconds=30), 30.0, "timed_out: 15 s")
FLOWING = {
    "name": "erp",
    "kind": "http",
    "address": "https://erp.example.com/hooks",
    "configured": True,
    "state": "operating",
    "paused": False,
    "held_since": None,
    "reason": None,
    "next_probe_at": None,
    "unfinished": 0,
    "dead": 0,
    "oldest_pending_at": None,
}


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
    unknown = await admin.get(f"/api/v1/events/evt_{0:032x}", headers=KNOWN)
    nothing = await admin.get("/elsewhere")
    wrong = await admin.delete("/metrics")

    assert [404, 404, 405] == [unknown.status, nothing.status, wrong.status]
    assert {"application/problem+json"} == {answer.headers["Content-Type"] for answer in (unknown, nothing, wrong)}
    assert "There is no such event" in (await unknown.json())["detail"]


async def test_the_probes_need_no_token(admin: Client, clock: ManualClock, store: Store) -> None:
    """A process without a public port is asked here, by whoever started it; they tell no content and no secret."""
    assert [200, 200] == [(await admin.get(path)).status for path in ("/healthz", "/readyz")]

    await store.close()
    clock.advance(1)

    assert [200, 503] == [(await admin.get(path)).status for path in ("/healthz", "/readyz")]


async def test_every_target_is_told_of_before_anything_was_sent_to_it(admin: Client) -> None:
    """A fresh installation shows what is configured; its URL without what may be secret."""
    assert {"items": [FLOWING], "next": None} == await (await admin.get("/api/v1/targets", headers=KNOWN)).json()


async def test_a_target_is_told_with_all_that_holds_it(admin: Client, store: Store) -> None:
    """Why does nothing arrive, since when, and when will it be tried again?"""
    await store.accept(an_event(), a_plan("erp"), {})
    await store.note_breaker("erp", CLOSED, BROKEN, START)

    (told,) = (await (await admin.get("/api/v1/targets", headers=KNOWN)).json())["items"]

    assert {
        **FLOWING,
        "state": "broken",
        "held_since": "2026-07-01T12:00:00.000Z",
        "reason": "timed_out: 15 s",
        "next_probe_at": "2026-07-01T12:00:30.000Z",
        "unfinished": 1,
        "oldest_pending_at": "2026-07-01T12:00:00.000Z",
    } == told


async def test_what_waits_for_a_target_that_is_no_more_is_told(admin: Client, store: Store) -> None:
    """Somebody took it out of the file, and its deliveries are still there."""
    await store.accept(an_event(), a_plan("crm"), {})

    told = (await (await admin.get("/api/v1/targets", headers=KNOWN)).json())["items"]

    assert [("erp", True, 0), ("crm", False, 1)] == [
        (target["name"], target["configured"], target["unfinished"]) for target in told
    ]


async def test_a_target_is_paused_and_goes_on(admin: Client, store: Store) -> None:
    """Each answer tells how it stands now; doing so twice is no fault."""
    for _ in range(2):
        paused = await admin.post("/api/v1/targets/erp/pause", headers=KNOWN)
        held = {**FLOWING, "state": "paused", "paused": True, "held_since": "2026-07-01T12:00:00.000Z"}
        assert (200, held) == (paused.status, await paused.json())
        assert (await store.lanes())["erp"].is_paused
    for _ in range(2):
        resumed = await admin.post("/api/v1/targets/erp/resume", headers=KNOWN)
        assert (200, FLOWING) == (resumed.status, await resumed.json())
        assert not (await store.lanes())["erp"].is_paused


async def test_a_target_that_is_paused_and_broken_is_paused(admin: Client, store: Store) -> None:
    """Nothing tries it meanwhile; what broke it is not forgotten."""
    await store.note_breaker("erp", CLOSED, BROKEN, START)

    told = await (await admin.post("/api/v1/targets/erp/pause", headers=KNOWN)).json()

    assert ("paused", None, "timed_out: 15 s") == (told["state"], told["next_probe_at"], told["reason"])
    assert "broken" == (await (await admin.post("/api/v1/targets/erp/resume", headers=KNOWN)).json())["state"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_only_what_is_there_can_be_held(admin: Client, store: Store, verb: str) -> None:
    """A slip of the pen must not look as if it had worked; and without a token nothing is done."""
    unknown = await admin.post(f"/api/v1/targets/epr/{verb}", headers=KNOWN)
    stranger = await admin.post(f"/api/v1/targets/erp/{verb}")

    assert [404, 401] == [unknown.status, stranger.status]
    assert "application/problem+json" == unknown.headers["Content-Type"]
    assert "There is no such target" in (await unknown.json())["detail"]
    assert {} == await store.lanes()


async def test_metrics_need_no_token(admin: Client) -> None:
    """They tell names and numbers, on a port that is not public."""
    assert b"relay_backlog 0\n" == await (await admin.get("/metrics")).read()
