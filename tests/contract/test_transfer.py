"""What moving promises, from each engine to each: all is there, in its order, and proven; nothing else is touched."""

from dataclasses import replace

import pytest

from relay.errors import StoreUnusable
from relay.moving import Progress
from relay.store.protocol import LaneState
from tests.builders import a_lease, a_plan, an_event, dead
from tests.conftest import START
from tests.histories import (
    DAY,
    MANY,
    SECOND,
    TARGETS,
    History,
    by_line,
    cancel_some,
    paperwork,
    standing,
    stories,
    way_out,
)
from tests.pairs import Pair, opened
from tests.storage import Storage

MIB = 1024 * 1024


async def a_past(storage: Storage, seed: int) -> History:
    """Let much happen on a database, and the relay die in the midst of it."""
    async with opened(storage, "worker-dead") as store:
        history = History(store, "worker-dead", seed)
        await history.go_on(40)
        await history.purge(START + DAY)
        await history.go_on(40)
    await cancel_some(storage)
    return history


async def counted(storage: Storage) -> tuple[int, ...]:
    """Count rows from outside."""
    tables = (
        "events",
        "contents",
        "deliveries",
        "attempts",
        "dedupe_keys",
        "holds",
        "grants",
        "replays",
        "rejected_requests",
        "minutes",
    )
    return tuple([(await storage.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in tables])


@pytest.mark.parametrize("seed", [1, 2])
async def test_everything_is_there_afterwards(pair: Pair, seed: int) -> None:
    """Each event with each delivery and attempt, each target with its pauses, breakers, holds and numbers, each job."""
    history = await a_past(pair.origin, seed)

    report = await pair.move()

    assert report.relay is None
    assert [(tally.count, tally.checksum) for tally in report.tallies] == [
        (tally.count_there, tally.checksum_there) for tally in report.tallies
    ]
    assert await counted(pair.origin) == await counted(pair.destination)
    async with opened(pair.origin, "worker-a") as origin, opened(pair.destination, "worker-b") as destination:
        assert await stories(origin, history.events) == await stories(destination, history.events)
        assert await standing(origin, pair.origin) == await standing(destination, pair.destination)
        told = {name: replace(lane, oldest_at=None) for name, lane in (await destination.lanes()).items()}
        assert await standing(destination, pair.destination) == {
            name: lane for name, lane in told.items() if lane != LaneState()
        }
        for target in TARGETS:
            assert await origin.holds(target) == await destination.holds(target)
        jobs, refused, minutes = await paperwork(origin)
        assert (jobs, refused, minutes) == await paperwork(destination)
        assert jobs
        assert refused
        assert minutes


async def orders_of(storage: Storage) -> dict[str, str | None]:
    rows = await storage.rows(
        "SELECT e.id, d.order_value FROM events e JOIN deliveries d ON d.event_seq = e.seq WHERE d.target = 'erp'"
    )
    return dict(rows)


@pytest.mark.parametrize("seed", [3, 4])
async def test_what_is_due_goes_as_it_would_have_gone(pair: Pair, seed: int) -> None:
    """The same deliveries with the same attempts' numbers; and those of one line in the same order."""
    await a_past(pair.origin, seed)
    await pair.move()
    later = START + 30 * DAY
    orders = await orders_of(pair.origin)

    async with opened(pair.origin, "worker-a") as origin, opened(pair.destination, "worker-b") as destination:
        here, there = await way_out(origin, "worker-a", later), await way_out(destination, "worker-b", later)

    assert sorted(here) == sorted(there)
    assert by_line(here, orders) == by_line(there, orders)


async def test_what_a_dead_worker_held_is_counted_as_lost_there(pair: Pair) -> None:
    """Its attempt may have arrived: it is told as lost, and never sent again as if it had not been."""
    async with opened(pair.origin, "worker-dead") as store:
        receipt = await store.accept(an_event(), a_plan(), {0: a_lease("worker-dead")})
    await pair.move()

    async with opened(pair.destination, "worker-b") as destination:
        (lost,) = await destination.abandoned(START, 10, MANY)

    assert (receipt.event_id, 1) == (lost.event.id, lost.attempt)


async def test_a_key_is_held_for_its_own_window_though_its_event_is_purged(pair: Pair) -> None:
    """A repeat is a duplicate of the same event as before; after its window it is news, as before."""
    async with opened(pair.origin, "worker-a") as store:
        purged = an_event(key="purged", window=40 * DAY)
        kept = an_event(key="kept", window=10 * SECOND, at=START + 5 * DAY)
        await store.accept(purged, a_plan(), {})
        await way_out(store, "worker-a", START)
        await store.accept(kept, a_plan(), {})
        while await store.purge(START + 4 * DAY, START, 10, MANY):
            pass
        assert await store.event(purged.id) is None
    await pair.move()

    async with opened(pair.destination, "worker-b") as destination:
        repeats = [
            await destination.accept(an_event(key=key, at=START + at), a_plan(), {})
            for key, at in (
                ("purged", 39 * DAY),
                ("kept", 5 * DAY + 9 * SECOND),
                ("purged", 40 * DAY),
                ("kept", 5 * DAY + 10 * SECOND),
            )
        ]

    assert [purged.id, kept.id] == [repeat.event_id for repeat in repeats[:2]]
    assert [True, True, False, False] == [repeat.is_duplicate for repeat in repeats]


async def test_a_repeat_revives_there_what_died_here(pair: Pair) -> None:
    """A key that was moved leads to its event, also where it was copied before that was."""
    async with opened(pair.origin, "worker-a") as store:
        history = History(store, "worker-a", 5)
        await history.go_on(5)
        await pair.move()  # a relay runs: a first pass
        event = an_event(key="dies")
        await store.accept(event, a_plan("erp"), {})
    await pair.move()

    async with opened(pair.destination, "worker-b") as destination:
        (delivery,) = [d for d in await destination.claim("erp", a_lease(), START, 99, MANY) if d.event.id == event.id]
        await destination.settle(dead(delivery))
        await destination.accept(an_event(key="dies"), a_plan("erp"), {})
        again = await destination.claim("erp", a_lease(), START, 99, MANY)

    assert [event.id] == [delivery.event.id for delivery in again if delivery.event.id == event.id]


async def test_a_pass_beside_a_running_relay_is_made_good_by_the_next(pair: Pair) -> None:
    """Most is copied while the relay works; once it is stopped, what changed, came or went since follows."""
    async with opened(pair.origin, "worker-a") as store:
        history = History(store, "worker-a", 6)
        await history.go_on(40)
        first = await pair.move()
        await history.go_on(20)
        await history.purge(START + 2 * DAY)
    second = await pair.move()

    assert "worker-a" == first.relay
    assert second.relay is None
    assert 0 < sum(tally.written for tally in second.tallies) < sum(tally.written for tally in first.tallies)
    assert 0 < sum(tally.removed for tally in second.tallies)
    async with opened(pair.origin, "worker-a") as origin, opened(pair.destination, "worker-b") as destination:
        assert await stories(origin, history.events) == await stories(destination, history.events)
        assert await standing(origin, pair.origin) == await standing(destination, pair.destination)
        assert await paperwork(origin) == await paperwork(destination)


async def test_no_relay_starts_where_a_move_has_not_finished(pair: Pair) -> None:
    """Half of the events would be half of the truth."""
    async with opened(pair.origin, "worker-a"):
        await pair.move()

    with pytest.raises(StoreUnusable, match="has not finished: run that again"):
        await pair.destination.store("worker-b").open()


async def test_what_was_moved_wholly_is_left_alone(pair: Pair) -> None:
    """A move that is run once more must not undo what a relay has done there since."""
    async with opened(pair.origin, "worker-a") as store:
        await store.accept(an_event(), a_plan(), {})
    await pair.move()
    async with opened(pair.destination, "worker-b") as destination:
        await destination.accept(an_event(), a_plan(), {})

    report = await pair.move()

    assert report.was_finished
    assert 2 == (await counted(pair.destination))[0]


async def test_a_move_that_broke_off_goes_on(pair: Pair) -> None:
    """Whatever ended it, what is there already is compared and not written again."""
    async with opened(pair.origin, "worker-a") as store:
        history = History(store, "worker-a", 7)
        await history.go_on(40)

    def break_off(progress: Progress) -> None:
        if progress.section == "keys":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await pair.move(break_off)
    report = await pair.move()

    assert [0] == [tally.written for tally in report.tallies if tally.section == "events"]
    async with opened(pair.origin, "worker-a") as origin, opened(pair.destination, "worker-b") as destination:
        assert await stories(origin, history.events) == await stories(destination, history.events)


async def test_what_was_spoilt_there_is_found_and_mended(pair: Pair) -> None:
    """Counts alone prove nothing: one byte of a body, one status, and the pass writes that event again."""
    async with opened(pair.origin, "worker-a") as store:
        history = History(store, "worker-a", 8)
        await history.go_on(40)
        await pair.move()
    await pair.destination.execute("UPDATE deliveries SET attempts = attempts + 1")
    report = await pair.move()

    assert report.tallies[0].written > 0
    async with opened(pair.origin, "worker-a") as origin, opened(pair.destination, "worker-b") as destination:
        assert await stories(origin, history.events) == await stories(destination, history.events)


async def test_large_bodies_are_moved_byte_for_byte(pair: Pair) -> None:
    """A document of 50 MB is one record: read, written and read back alone."""
    body = bytes(range(256)) * (50 * MIB // 256)
    async with opened(pair.origin, "worker-a") as store:
        event = an_event(body=body)
        await store.accept(event, a_plan(), {})
    await pair.move()

    async with opened(pair.destination, "worker-b") as destination:
        record = await destination.event(event.id)
    assert record is not None
    assert body == record.event.body


async def test_what_is_not_empty_is_refused_and_not_touched(pair: Pair) -> None:
    """Two installations cannot be one: ids and keys of one would hide those of the other."""
    async with opened(pair.origin, "worker-a") as store:
        await store.accept(an_event(), a_plan(), {})
    async with opened(pair.destination, "worker-b") as store:
        await store.accept(an_event(), a_plan(), {})

    with pytest.raises(StoreUnusable, match="is not empty"):
        await pair.move()

    assert 1 == (await counted(pair.destination))[0]
    async with opened(pair.destination, "worker-b"):
        pass


async def test_where_a_relay_runs_nothing_is_moved(pair: Pair) -> None:
    """It would be handed deliveries that the other one still carries."""
    async with opened(pair.origin, "worker-a"):
        pass
    async with opened(pair.destination, "worker-b"):
        with pytest.raises(StoreUnusable, match=r"a relay runs on .* \(worker-b\): stop it"):
            await pair.move()


async def test_a_database_is_not_moved_to_itself(pair: Pair) -> None:
    """Whatever name it is given."""
    async with opened(pair.origin, "worker-a"):
        pass

    with pytest.raises(StoreUnusable, match="are the same database"):
        await Pair(pair.origin, pair.origin).move()


async def test_what_is_no_database_of_the_relay_cannot_be_moved(pair: Pair) -> None:
    """Nothing is made where something was to be found."""
    with pytest.raises(StoreUnusable, match="no database"):
        await pair.move()


async def test_an_origin_of_another_version_is_refused(pair: Pair) -> None:
    """An older one is brought up to date first; a newer one needs its own program."""
    async with opened(pair.origin, "worker-a"):
        pass
    await pair.origin.execute("DELETE FROM migrations WHERE number = 3")
    with pytest.raises(StoreUnusable, match="is of an older version of the relay"):
        await pair.move()

    await pair.origin.execute("INSERT INTO migrations VALUES (99, '0099_later', 99, '1')")
    with pytest.raises(StoreUnusable, match="is of a newer version of the relay"):
        await pair.move()


async def test_a_destination_filled_from_elsewhere_is_refused(pair: Pair) -> None:
    """What was begun from one is not finished from another."""
    async with opened(pair.origin, "worker-a"):
        await pair.move()
    await pair.destination.execute("UPDATE moves SET origin = 'sqlite:///elsewhere.db'")

    with pytest.raises(StoreUnusable, match=r"was filled from sqlite:///elsewhere.db, and not from"):
        await pair.move()


async def test_no_relay_starts_here_while_the_last_pass_runs(pair: Pair) -> None:
    """What it would accept or deliver after it was read would be missing there."""
    async with opened(pair.origin, "worker-a"):
        pass
    mover = pair.origin.transfer()
    await mover.open()
    assert await mover.hold_still() is None

    too_early = pair.origin.store("worker-b", patience_s=0.2)
    with pair.origin.impatient(), pytest.raises(StoreUnusable):
        await too_early.open()

    await mover.close()
    async with opened(pair.origin, "worker-b"):
        pass
