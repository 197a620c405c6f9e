"""`relay targets`, `relay targets pause`, `relay targets resume`: on a real database, with no relay running on it."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.store.protocol import LaneState, Store
from tests.builders import a_lease, a_plan, an_event, dead
from tests.storage import SqliteStorage, Storage

Call = Callable[..., Result]
Doing = Callable[[Store], Awaitable[object]]

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
BROKEN = Breaker(BreakerState.OPEN, 10, None, NOW - HOUR, NOW + HOUR, 30.0, "timed_out: no whole answer within 15 s")


async def nothing(_: Store) -> None: ...


async def one_waits_and_one_is_dead(store: Store) -> None:
    waiting, given_up = an_event(), an_event()
    await store.accept(given_up, a_plan("erp", at=NOW - 3 * HOUR), {})
    (delivery,) = await store.claim("erp", a_lease(at=NOW), NOW, 1, 10**6)
    await store.settle(dead(delivery))
    await store.accept(waiting, a_plan("erp", at=NOW - 2 * HOUR), {})


async def it_is_broken(store: Store) -> None:
    await store.note_breaker("erp", CLOSED, BROKEN, NOW - HOUR)


async def it_is_paused(store: Store) -> None:
    await store.pause("erp", NOW - HOUR, is_paused=True)


@pytest.fixture
def done(kept: Storage) -> Callable[[Doing], LaneState]:
    """Do something to the database that `config/relay.yaml` names; return how the target `erp` then stands."""

    def do(doing: Doing = nothing) -> LaneState:
        return asyncio.run(_done(kept, doing))

    return do


async def _done(storage: Storage, doing: Doing) -> LaneState:
    store = storage.store("worker-a")
    await store.open()
    try:
        await doing(store)
        return (await store.lanes()).get("erp", LaneState())
    finally:
        await store.close()


def test_a_target_is_shown_with_what_waits_for_it(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """The first question of an operator: is it stuck, how much waits, since when?"""
    done(one_waits_and_one_is_dead)

    result = call("targets")

    assert 0 == result.exit_code
    assert [
        "NAME  KIND  ADDRESS                   STATE      BACKLOG  DEAD  OLDEST  HELD",
        "erp   http  http://127.0.0.1:9/hooks  operating  1        1     2h",
    ] == re.sub(r"2h\d+\w", "2h", result.stdout).splitlines()


def test_a_broken_target_is_shown_with_since_when_why_and_what_comes_next(
    call: Call, done: Callable[[Doing], LaneState]
) -> None:
    """Enough to call the right person at night."""
    done(it_is_broken)

    line = call("targets").stdout.splitlines()[1]

    since = f"since {NOW - HOUR:%Y-%m-%d %H:%M:%S} UTC"
    held = rf" broken +0 +0 +{since} \(1h\w*\): {BROKEN.reason}; next try in \w+$"
    assert re.search(held, line), line


def test_a_target_that_is_due_to_be_tried_waits_for_a_delivery(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """Where no relay runs, or nothing waits, the time for it passes."""

    async def it_was_broken(store: Store) -> None:
        await store.note_breaker("erp", CLOSED, replace(BROKEN, probe_at=NOW - HOUR / 2), NOW - HOUR)

    done(it_was_broken)

    assert call("targets").stdout.endswith(f"{BROKEN.reason}; the next delivery tries it\n")


def test_a_paused_target_is_shown_with_what_lets_it_go_on(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """Whoever finds it paused need not look anything up."""
    done(it_is_paused)

    line = call("targets").stdout.splitlines()[1]

    since = f"since {NOW - HOUR:%Y-%m-%d %H:%M:%S} UTC"
    assert re.search(rf" paused +0 +0 +{since} \(1h\w*\), until `relay targets resume erp`$", line), line


def test_what_waits_for_a_target_that_is_no_more_is_shown(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """A renamed target leaves its deliveries behind; they are kept, and somebody must see them."""

    async def left_behind(store: Store) -> None:
        await store.accept(an_event(), a_plan("crm"), {})

    done(left_behind)

    (line,) = [line for line in call("targets").stdout.splitlines() if line.startswith("crm")]
    assert re.search(r"\(not configured\) +paused +1 ", line)
    assert line.endswith("`relay targets move crm OTHER`, or `cancel crm`")


CRM = """\
  crm: {url: 'http://127.0.0.1:9/crm'}
"""


def test_what_waits_is_moved_to_another_target(call: Call, folder: Path, done: Callable[[Doing], LaneState]) -> None:
    """A target was renamed: what waited for the old name goes to the new one."""
    done(one_waits_and_one_is_dead)
    path = folder / "config" / "relay.yaml"
    path.write_text(path.read_text().replace("targets:\n", f"targets:\n{CRM}"))

    result = call("targets", "move", "erp", "crm")

    assert (0, "1 deliveries now wait for crm\n") == (result.exit_code, result.stdout)
    assert 0 == done(nothing).unfinished
    assert {"changed": 0} == json.loads(call("targets", "move", "erp", "crm", "--json").stdout)


def test_what_waits_is_cancelled_once_it_is_agreed(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """It cannot be undone by a slip; a script says --yes."""
    done(one_waits_and_one_is_dead)

    unsure = call("targets", "cancel", "erp")
    asked = call("targets", "cancel", "erp", "--json")
    left = done(nothing).unfinished
    sure = call("targets", "cancel", "erp", "--yes", "--json")

    assert (1, 2, 1) == (unsure.exit_code, asked.exit_code, left)
    assert "1 wait for erp: cancel them?" in unsure.stderr
    assert {"changed": 1} == json.loads(sure.stdout)
    assert 0 == done(nothing).unfinished


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("move", "erp", "crn"), "there is no target 'crn'"),
        (("move", "nobody", "erp"), "there is no target 'nobody'"),
        (("move", "erp", "erp"), "waits for it already"),
        (("cancel", "nobody", "--yes"), "there is no target 'nobody'"),
        (("pause", "erp", "--yes"), "--yes is for `relay targets cancel NAME`"),
        (("move", "erp"), "or `move NAME OTHER`"),
    ],
)
def test_what_cannot_be_moved_or_cancelled_is_told(
    call: Call, done: Callable[[Doing], LaneState], arguments: tuple[str, ...], words: str
) -> None:
    """Exit code 2, and nothing is changed."""
    done(one_waits_and_one_is_dead)

    result = call("targets", *arguments)

    assert 2 == result.exit_code
    assert words in result.stderr
    assert 1 == done(nothing).unfinished


def test_programs_read_what_the_api_tells(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """With `--json`: the items of GET /api/v1/targets."""
    done(it_is_broken)

    (told,) = json.loads(call("targets", "--json").stdout)

    assert ("erp", "http", "http://127.0.0.1:9/hooks", "broken") == tuple(
        told[key] for key in ("name", "kind", "address", "state")
    )
    assert (BROKEN.reason, False, True) == (told["reason"], told["paused"], told["configured"])
    assert NOW + HOUR == _rounded(told["next_probe_at"], NOW)


def _rounded(told: str, near: datetime) -> datetime:
    """Read a time that was written to the millisecond."""
    read = datetime.fromisoformat(told)
    return near + timedelta(hours=round((read - near) / HOUR))


def test_a_target_is_paused_and_goes_on(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """Done is told, and so is what was done before: a script may say it twice."""
    done(nothing)

    paused = [call("targets", "pause", "erp") for _ in range(2)]
    assert done(nothing).is_paused
    resumed = [call("targets", "resume", "erp") for _ in range(2)]
    assert not done(nothing).is_paused

    assert [0] * 4 == [result.exit_code for result in paused + resumed]
    assert paused[0].stdout.startswith("erp is paused since ")
    assert paused[1].stdout.startswith("erp was paused already, since ")
    assert all(result.stdout.endswith(", until `relay targets resume erp`\n") for result in paused)
    assert ["erp goes on\n", "erp was not paused, and is as before\n"] == [result.stdout for result in resumed]


def test_programs_are_told_whether_anything_was_changed(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """The options may stand before or behind the words."""
    done(nothing)

    told = [json.loads(call("targets", "-c", "config/relay.yaml", "pause", "erp", "--json").stdout) for _ in range(2)]

    assert [("paused", True), ("paused", False)] == [(each["state"], each["changed"]) for each in told]


def test_a_target_that_goes_on_may_still_be_broken(call: Call, done: Callable[[Doing], LaneState]) -> None:
    """Otherwise its operator would wait for deliveries that do not come."""
    done(it_is_broken)
    done(it_is_paused)

    assert "erp goes on; it is broken since " in call("targets", "resume", "erp").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pause", "epr"), "there is no target 'epr'; did you mean `erp`?"),
        (("resume", "elsewhere"), "there is no target 'elsewhere'; there are: erp"),
        (("pause",), "expected `relay targets`, or `pause|resume|cancel NAME`"),
        (("stop", "erp"), "expected `relay targets`, or `pause|resume|cancel NAME`"),
        (("pause", "erp", "crm"), "expected `relay targets`, or `pause|resume|cancel NAME`"),
    ],
)
def test_a_slip_changes_nothing_and_says_what_was_meant(
    call: Call, done: Callable[[Doing], LaneState], arguments: tuple[str, ...], told: str
) -> None:
    """Wrong usage: exit code 2."""
    done(nothing)

    result = call("targets", *arguments)

    assert 2 == result.exit_code
    assert told in result.stderr
    assert not done(nothing).is_paused


def test_a_database_file_that_is_not_there_is_not_made(call: Call, folder: Path) -> None:
    """Its path is often relative: what is paused in the wrong folder would go on in the right one."""
    result = call("targets", "pause", "erp")

    assert 1 == result.exit_code
    assert f"there is no database at {folder}/data/relay.db" in result.stderr
    assert not (folder / "data").exists()


def test_a_file_that_is_no_database_is_told_in_one_line(call: Call, folder: Path) -> None:
    """As `relay serve` would: exit code 2."""
    (folder / "data").mkdir()
    (folder / "data" / "relay.db").write_text("something else " * 100)

    result = call("targets")

    assert 2 == result.exit_code
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: data/relay.db cannot be opened as the relay's database")


def test_a_database_file_that_is_locked_is_told_in_one_line(call: Call, folder: Path) -> None:
    """Another program has it, and nothing was changed. As `relay serve` would: exit code 2."""
    (folder / "data").mkdir()
    file = SqliteStorage(folder / "data")
    asyncio.run(_done(file, nothing))
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = call("targets", "pause", "erp")

    assert 2 == result.exit_code
    assert not asyncio.run(_done(file, nothing)).is_paused
    (line,) = result.stderr.splitlines()
    assert "locked" in line
