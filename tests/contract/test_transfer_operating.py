"""What moving promises operators: what they asked for goes on, what was refused is there, and charts have no gap."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.lanes import Lanes
from relay.moving import BATCH
from relay.replays import Replaying, new_replay
from relay.store.ports.minutes import Kind
from relay.store.ports.rejections import Bounds
from relay.store.ports.replays import ReplayState
from relay.store.ports.search import EventFilter
from relay.store.protocol import Store
from tests.builders import WEEK, a_lease, a_plan, a_rejection, an_event, dead
from tests.conftest import START, ManualClock
from tests.pairs import Pair, opened
from tests.storage import Storage

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MANY = 10**9
Leave = Callable[[Store], Awaitable[None]]


async def an_event_that_died(store: Store) -> str:
    receipt = await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
    await store.settle(dead(receipt.deliveries[0]))
    return receipt.event_id


async def test_a_replay_that_is_under_way_goes_on_there(pair: Pair, clock: ManualClock) -> None:
    """From where it stood: what it has replayed goes out once, and what is left for it is replayed there."""
    clock.advance(60)
    async with opened(pair.origin, "worker-a") as origin:
        events = [await an_event_that_died(origin) for _ in range(3)]
        job = new_replay(EventFilter(), clock.now(), bytes(10), only_dead=True, per_s=2)
        await origin.replays.begin(job)
        await Replaying(origin, Lanes([]), clock, WEEK).step()
    await pair.move()

    clock.advance(60)
    async with opened(pair.destination, "worker-b") as destination:
        assert 2 == (await destination.lanes())["erp"].unfinished
        await Replaying(destination, Lanes([]), clock, WEEK).step()

        claimed = await destination.claim("erp", a_lease(at=clock.now()), clock.now(), 9, MANY)
        assert sorted(events) == sorted(delivery.event.id for delivery in claimed)
        done = await destination.replays.one(job.id)
        assert done is not None
        assert (ReplayState.DONE, 3, 3) == (done.state, done.searched, done.replayed)


async def test_what_was_refused_can_still_be_admitted_there(pair: Pair) -> None:
    """Under the number that it had, with every byte that is to be verified; and what is refused next has another."""
    big = a_rejection(body=bytes(range(256)) * (BATCH.bytes_max // 400))
    async with opened(pair.origin, "worker-a") as origin:
        await origin.rejections.keep([a_rejection(), big, a_rejection(is_whole=False), big], Bounds(START, 99, MANY))
        numbers = [row.number for row in await origin.rejections.page(None, None, None, 9)]
        kept = [await origin.rejections.one(number) for number in numbers]
    await pair.move()

    async with opened(pair.destination, "worker-b") as destination:
        assert kept == [await destination.rejections.one(number) for number in numbers]
        await destination.rejections.note_admitted(numbers[0], "evt_1")
        await destination.rejections.keep([a_rejection()], Bounds(START, 99, MANY))
        newest, admitted, *_ = await destination.rejections.page(None, None, None, 9)

    assert (numbers[0], "evt_1") == (admitted.number, admitted.event_id)
    assert newest.number > numbers[0]


async def test_minutes_of_many_kinds_are_moved_in_batches(pair: Pair) -> None:
    """One minute may have more figures than a batch; a relay adds to them there."""
    kinds = [Kind("event", f"{name}-{number}", "accepted") for name in ("a", "B", "_") for number in range(300)]
    counts = {kind: (number, number / 7) for number, kind in enumerate(kinds)}
    async with opened(pair.origin, "worker-a") as origin:
        await origin.minutes.add(START, counts, START)
        await origin.minutes.add(START + MINUTE, counts, START)
        figures = await origin.minutes.between(START + MINUTE, START + DAY)
        await pair.move()
        await origin.minutes.add(START + 2 * MINUTE, counts, START + MINUTE)
    report = await pair.move()

    assert [(900, 900)] == [(tally.written, tally.removed) for tally in report.tallies if tally.section == "minutes"]
    async with opened(pair.destination, "worker-b") as destination:
        await destination.minutes.add(START + MINUTE, {kinds[1]: (1, 1.0)}, START)
        there = await destination.minutes.between(START, START + 2 * MINUTE)

    expected = [replace(each, count=2, seconds=1 / 7 + 1.0) if each.kind == kinds[1] else each for each in figures]
    assert expected == there


async def a_replay(store: Store) -> None:
    await store.replays.begin(new_replay(EventFilter(), START, bytes(10), only_dead=True))


async def a_refused_request(store: Store) -> None:
    await store.rejections.keep([a_rejection()], Bounds(START, 99, MANY))


async def a_minute(store: Store) -> None:
    await store.minutes.add(START, {Kind("event", "shop", "accepted"): (1, 0.0)}, START)


@pytest.mark.parametrize("leave", [a_replay, a_refused_request, a_minute])
async def test_what_holds_no_event_may_not_be_empty(
    storage: Storage, leave: Callable[[Store], Awaitable[None]]
) -> None:
    """An installation that has only refused so far is one, too: nothing is moved onto it."""
    async with opened(storage, "worker-a") as store:
        assert (await storage.transfer().look()).is_empty
        await leave(store)

    assert not (await storage.transfer().look()).is_empty


async def test_an_empty_database_of_an_older_version_is_empty(storage: Storage) -> None:
    """What it has no table for, nobody has asked of it: it is brought up to date, and filled."""
    async with opened(storage, "worker-a"):
        pass
    for table in ("rejected_requests", "rejections", "replays", "minutes"):
        await storage.execute(f"DROP TABLE {table}")
    await storage.execute("DELETE FROM migrations WHERE number > 3")

    assert (await storage.transfer().look()).is_empty
