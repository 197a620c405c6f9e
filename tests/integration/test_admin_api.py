"""What the admin API answers: each resource once, with what is asked wrongly."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from relay.config import load
from relay.config.models.fields import SECRET_CHARACTERS_MIN
from relay.store.ports.minutes import Kind
from relay.store.protocol import Store
from relay.web.masking import shown_config
from tests.admin import FILE, KNOWN, Client, Office
from tests.builders import a_lease, a_plan, an_event, dead
from tests.conftest import START, ManualClock
from tests.mail import SELF_SIGNED
from tests.unit.config.test_shipped_files import EVERYTHING, STARTER, uncommented


async def get(admin: Client, path: str) -> Any:
    answer = await admin.get(f"/api/v1/{path}", headers=KNOWN)
    assert 200 == answer.status, await answer.text()
    return await answer.json()


async def post(admin: Client, path: str, body: object = None) -> tuple[int, Any]:
    answer = await admin.post(f"/api/v1/{path}", headers=KNOWN, json=body)
    return answer.status, await answer.json()


async def died(store: Store, *targets: str) -> tuple[str, int]:
    """Return an event and its first delivery."""
    event = an_event()
    receipt = await store.accept(event, a_plan(*targets), {index: a_lease() for index in range(len(targets))})
    for delivery in receipt.deliveries:
        await store.settle(dead(delivery))
    return event.id, receipt.deliveries[0].id


@pytest.mark.parametrize(
    ("path", "where", "words"),
    [
        ("events?sorce=shop", "sorce", "did you mean `source`?"),
        ("events?status=daed", "status", "did you mean `dead`?"),
        ("events?limit=0", "limit", "from 1 to 500"),
        ("events?limit=5&limit=6", "limit", "given twice"),
        ("events?since=yesterday", "since", "2026-07-01T12:00:00Z"),
        ("events?cursor=x", "cursor", "`next` of a page"),
        ("events?q=", "q", "1 to 500 characters"),
        ("events?q=a%00", "q", "without NUL"),
        ("deliveries?cursor=ZXZ0Xw==", "cursor", "`next` of a page"),
        ("targets?name=erp", "name", "expected none"),
        ("replays?limit=x", "limit", "whole number"),
    ],
)
async def test_a_wrong_question_is_told_what_would_be_right(admin: Client, path: str, where: str, words: str) -> None:
    """A filter that is misspelt must not look as if it had found everything."""
    answer = await admin.get(f"/api/v1/{path}", headers=KNOWN)

    told = await answer.json()
    assert (400, where) == (answer.status, told["where"])
    assert words in told["detail"]
    assert "application/problem+json" == answer.headers["Content-Type"]


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        (b'{"only_ded": true}', "only_ded", "did you mean `only_dead`?"),
        (b'{"per_s": 0}', "per_s", "greater than or equal to 1"),
        (b'{"since": "0001-01-01T00:00:00+23:00"}', "since", "2026-07-01T12:00:00Z"),
        (b"[]", None, "object"),
        (b"{", None, "JSON"),
    ],
)
async def test_a_wrong_body_is_told_what_would_be_right(
    admin: Client, body: bytes, where: str | None, words: str
) -> None:
    """And nothing is begun."""
    json = {**KNOWN, "Content-Type": "application/json"}
    answer = await admin.post("/api/v1/replays", headers=json, data=body)

    told = await answer.json()
    assert (400, where) == (answer.status, told.get("where"))
    assert words in told["detail"]
    assert [] == (await get(admin, "replays"))["items"]


async def test_a_body_is_json_and_bounded(admin: Client) -> None:
    """Nobody fills the memory by the admin port, either."""
    typed = {**KNOWN, "Content-Type": "text/plain"}
    assert 415 == (await admin.post("/api/v1/replays", headers=typed, data=b"{}")).status
    assert 413 == (await admin.post("/api/v1/replays", headers=KNOWN, data=b" " * 100_000)).status


async def test_events_are_paged_through(admin: Client, store: Store) -> None:
    """`next` goes into `cursor` as it is, with the same filter, to the end."""
    ids = [(await died(store, "erp"))[0] for _ in range(3)]

    first = await get(admin, "events?status=dead&limit=2&source=shop")
    rest = await get(admin, f"events?status=dead&limit=2&source=shop&cursor={first['next']}")

    assert ids[::-1] == [event["id"] for event in first["items"] + rest["items"]]
    assert rest["next"] is None
    assert [{"target": "erp", "status": "dead"}] == first["items"][0]["deliveries"]
    assert {"count": 3, "exact": True, "searched": 3} == await get(admin, "events/count?status=dead")


async def test_what_a_browser_sends_along_is_masked(admin: Client, store: Store) -> None:
    """Promise 8: an event's page shows its headers, and no signature."""
    event = replace(an_event(), headers=(("X-Signature", "sha256=aa"), ("X-Shop", "1")))
    await store.accept(event, a_plan("erp"), {})

    told = await get(admin, f"events/{event.id}")

    assert [["X-Signature", "***"], ["X-Shop", "1"]] == told["headers"]


async def test_one_target_alone_can_get_an_event_again(admin: Client, store: Store) -> None:
    """The other one had no trouble."""
    event_id, _ = await died(store, "erp", "chat")

    assert (202, {"id": event_id, "replayed": 1}) == await post(admin, f"events/{event_id}/replay?target=chat")
    lanes = await store.lanes()
    assert [0, 1] == [lanes[name].unfinished for name in ("erp", "chat")]


async def test_a_delivery_is_tried_again_and_cancelled(admin: Client, store: Store) -> None:
    """Each answer shows how it stands now; what is over is told as a conflict."""
    _, number = await died(store, "erp")

    assert [number] == [each["id"] for each in (await get(admin, "deliveries?status=dead&target=erp"))["items"]]
    status, told = await post(admin, f"deliveries/{number}/retry")
    assert (202, "pending") == (status, told["status"])
    status, told = await post(admin, f"deliveries/{number}/cancel")
    assert (200, "cancelled") == (status, told["status"])
    status, told = await post(admin, f"deliveries/{number}/cancel")
    assert (409, "It is cancelled; expected pending or dead.") == (status, told["detail"])
    assert [404, 404] == [(await post(admin, f"deliveries/{name}/retry"))[0] for name in (number + 1, "x")]


async def test_what_waits_for_a_target_that_is_no_more_is_moved_or_cancelled(admin: Client, store: Store) -> None:
    """Issue: somebody renamed it in the file."""
    for _ in range(2):
        await store.accept(an_event(), a_plan("old"), {})

    _, left = (await get(admin, "targets"))["items"]
    assert ("old", False, "paused", 2) == tuple(left[name] for name in ("name", "configured", "state", "unfinished"))
    status, told = await post(admin, "targets/old/move", {"to": "epr"})
    assert (400, "to") == (status, told["where"])
    assert "did you mean `erp`?" in told["detail"]
    assert (200, {"changed": 2, "more": False}) == await post(admin, "targets/old/move", {"to": "erp"})
    assert (200, {"changed": 2, "more": False}) == await post(admin, "targets/erp/cancel")
    assert 409 == (await post(admin, "targets/erp/move", {"to": "erp"}))[0]


async def test_a_replay_is_begun_seen_and_cancelled(admin: Client, store: Store, office: Office) -> None:
    """With a dry run before it, that begins nothing."""
    await died(store, "erp")
    office.clock.advance(1)
    asked = {"target": "erp", "only_dead": True, "since": "2026-07-01"}

    assert (202, {"count": 1, "exact": True, "searched": 1}) == await post(admin, "replays", {**asked, "dry_run": True})
    assert [] == (await get(admin, "replays"))["items"]
    status, job = await post(admin, "replays", asked)
    assert (202, "running", "erp") == (status, job["state"], job["filter"]["target"])
    assert "2026-07-01T00:00:00.000Z" == job["filter"]["since"]
    assert [job] == (await get(admin, "replays"))["items"]
    assert job == await get(admin, f"replays/{job['id']}")
    ended = await (await admin.delete(f"/api/v1/replays/{job['id']}", headers=KNOWN)).json()
    assert "cancelled" == ended["state"]
    assert 404 == (await admin.delete("/api/v1/replays/rpl_0", headers=KNOWN)).status


async def test_figures_of_the_last_minutes_are_told(admin: Client, store: Store) -> None:
    """Charts need no more than this."""
    counts = {
        Kind("event", "shop", "accepted"): (3, 0.0),
        Kind("delivery", "erp", "accepted"): (2, 0.0),
        Kind("duration", "erp", "all"): (2, 0.5),
        Kind("duration", "erp", "0.25"): (1, 0.0),
        Kind("duration", "erp", "+Inf"): (1, 0.0),
    }
    await store.minutes.add(START, counts, START)
    earlier = START - timedelta(hours=2)
    await store.minutes.add(earlier, {Kind("event", "shop", "accepted"): (9, 0.0)}, earlier)

    told = await get(admin, "stats?minutes=60")

    at = "2026-07-01T12:00:00.000Z"
    assert [{"at": at, "source": "shop", "result": "accepted", "count": 3}] == told["events"]
    assert [{"at": at, "target": "erp", "outcome": "accepted", "count": 2}] == told["deliveries"]
    assert {("up_to", 0.25, None), ("longer", None, None), ("all", None, 0.5)} == {
        (each["bound"], each["up_to_s"], each["seconds"]) for each in told["durations"]
    }
    (shop,) = (await get(admin, "sources"))["items"]
    assert ("shop", "/in/shop", at) == (shop["name"], shop["path"], shop["last_event_at"])


async def test_a_source_is_silent_when_it_says_so_itself(
    office: Office, admin: Client, store: Store, clock: ManualClock
) -> None:
    """By its own `expect_every`: an hour is much for one, and a month is nothing for another."""
    office.configure(FILE.replace("limit:", "expect_every: 1h\n    limit:"))
    kind = Kind("event", "shop", "accepted")
    await store.minutes.add(START, {kind: (1, 0.0)}, START)
    clock.advance(3600)
    (heard,) = (await get(admin, "sources"))["items"]
    clock.advance(120)
    (silent,) = (await get(admin, "sources"))["items"]
    office.configure(FILE)
    (unwatched,) = (await get(admin, "sources"))["items"]

    assert (3600.0, None) == (heard["expect_every_s"], heard["silent_since"])
    assert "2026-07-01T12:01:00.000Z" == silent["silent_since"]
    assert (None, None) == (unwatched["expect_every_s"], unwatched["silent_since"])


async def test_which_secret_of_a_source_is_in_use_is_told(office: Office, admin: Client, store: Store) -> None:
    """By all processes and after a restart: one that is not used any more can be taken away."""
    office.configure(FILE.replace('secret: "SECRET"', 'secrets: ["a-new-secret-of-the-shop", "SECRET"]'))
    await store.minutes.add(START, {Kind("proof", "shop", "2"): (1, 0.0)}, START)

    (shop,) = (await get(admin, "sources"))["items"]

    at = "2026-07-01T12:00:00.000Z"
    assert [{"number": 1, "last_used_at": None}, {"number": 2, "last_used_at": at}] == shop["secrets"]


async def test_the_configuration_is_shown_without_its_secrets(admin: Client) -> None:
    """What is in use, not what the file says by now; each secret as ***."""
    answer = await admin.get("/api/v1/config", headers=KNOWN)

    text = await answer.text()
    for secret in ("a-secret-of-the-shop", "a-password", "a-secret", "a-tenant-key", "user:"):
        assert secret not in text
    told = await answer.json()
    assert "https://erp.example.com/hooks" == told["targets"]["erp"]["url"]
    assert {"X-Tenant": "***"} == told["targets"]["erp"]["headers"]
    assert ["relay.example.com"] == told["admin"]["hosts"]


def test_no_secret_of_the_shipped_file_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every setting switched on that there is."""
    for name in ("ca.pem", "relay.pem", "relay.key"):
        (tmp_path / name).write_bytes(SELF_SIGNED.read_bytes())
    monkeypatch.chdir(tmp_path)
    whole = tmp_path / "relay.yaml"
    whole.write_text(uncommented(STARTER.read_text()))

    text = orjson.dumps(shown_config(load(whole, EVERYTHING))).decode()

    values = [value.partition("://")[2] or value for value in EVERYTHING.values()]
    secrets = [value for value in values if len(value) >= SECRET_CHARACTERS_MIN]  # a data centre's `us` is none
    assert [] == [secret for secret in secrets if secret in text]
