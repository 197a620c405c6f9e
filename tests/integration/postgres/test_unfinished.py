"""Days that are finished are looked into by nobody, until somebody makes something of them pending again."""

import asyncio
from datetime import timedelta

import pytest

from relay.domain import Delivery, Event
from relay.store.postgres.days import Days, existing
from relay.store.postgres.numbers import day_of
from relay.store.postgres.unfinished import Unfinished, look, reopen, unfinished
from relay.store.protocol import Store
from tests.builders import a_lease, a_plan, an_event, dead, delivered
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore, PostgresStorage

DAYS = 20
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
TODAY = day_of(START)
NEW = TODAY - 1  # from yesterday on, days are always looked into
KEEP = DAYS * DAY
OLD = START - 15 * DAY


@pytest.fixture(autouse=True)
def always_time_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.store.postgres.days.LOOK_EVERY_S", 0.0)


async def keep_up(store: Store) -> None:
    """Do what the leader does each minute."""
    await store.purge(START - KEEP, START, 100, 1)


async def what_died_long_ago(store: Store) -> Event:
    """Store an event of a day that is over, whose delivery to a line is dead; and let the day be closed."""
    event = an_event(at=OLD)
    await store.accept(event, a_plan("erp", at=OLD, order="A"), {})
    await store.settle(dead(*await claimed(store)))
    await keep_up(store)
    return event


async def claimed(store: Store) -> list[Delivery]:
    return await store.claim("erp", a_lease(), START + SECOND, 10, 10**9)


async def found(storage: PostgresStorage) -> Unfinished:
    async with storage.connected() as connection:
        return await unfinished(connection)


async def test_only_days_with_something_unfinished_are_looked_into(
    storage: PostgresStorage, open_store: OpenStore
) -> None:
    """And the newest, in which anything may be stored at any moment."""
    store = await open_store("worker-a")
    async with storage.connected() as connection:
        await Days().make(connection, range(TODAY - DAYS, TODAY + 1))
    await store.accept(an_event(at=OLD), a_plan(), {})

    assert Unfinished(0) == await found(storage)
    await keep_up(store)
    assert Unfinished(NEW, frozenset({day_of(OLD)})) == await found(storage)
    await store.settle(delivered(*await claimed(store)))
    await keep_up(store)
    assert Unfinished(NEW) == await found(storage)


async def test_days_are_looked_at_before_anything_is_asked_for(storage: PostgresStorage, open_store: OpenStore) -> None:
    """After an update of a relay with a long history: all replicas would lock all of its days at the same time."""
    await what_died_long_ago(await open_store("worker-a"))
    await storage.execute("DELETE FROM kept WHERE name = 'unfinished'")

    await open_store("worker-b")

    assert Unfinished(NEW) == await found(storage)


async def test_what_another_replica_revives_is_found_soon(storage: PostgresStorage, open_store: OpenStore) -> None:
    """An operator asks one replica, and another carries."""
    carrier, other = await open_store("worker-a"), await open_store("worker-b")
    event = await what_died_long_ago(carrier)
    await other.replay(event.id, START)

    async with asyncio.timeout(WAIT_S_MAX):
        while not await claimed(carrier):
            await asyncio.sleep(0.02)


async def test_a_line_is_kept_whoever_revives_what_stands_in_it(
    storage: PostgresStorage, open_store: OpenStore
) -> None:
    """At the very moment: the days are read behind the line's lock, and not as they were of late."""
    first, other = await open_store("worker-a"), await open_store("worker-b")
    event = await what_died_long_ago(first)
    await other.replay(event.id, START)

    after = await first.accept(an_event(), a_plan(order="A"), {0: a_lease()})

    assert () == after.deliveries
    await other.settle(delivered(*await claimed(other)))
    (then,) = await claimed(first)
    assert after.event_id == then.event.id


async def test_an_old_one_that_waits_in_a_line_gets_its_turn(storage: PostgresStorage, open_store: OpenStore) -> None:
    """Also from a replica that did not know that anything of its day waits."""
    first, other = await open_store("worker-a"), await open_store("worker-b")
    event = await what_died_long_ago(first)
    before = await first.accept(an_event(), a_plan(order="A"), {0: a_lease()})
    await other.replay(event.id, START)

    assert [] == await claimed(other)
    await first.settle(delivered(*before.deliveries))
    (then,) = await claimed(other)
    assert event.id == then.event.id


async def test_what_nobody_told_of_is_found_by_the_leader(storage: PostgresStorage, open_store: OpenStore) -> None:
    """A replica of an older version revives without a word, or one whose clock is days behind stores something."""
    store = await open_store("worker-a")
    await what_died_long_ago(store)
    await storage.execute("UPDATE deliveries SET status = 'pending', finished_at = NULL")
    assert Unfinished(NEW) == await found(storage)

    await keep_up(store)

    assert Unfinished(NEW, frozenset({day_of(OLD)})) == await found(storage)


async def test_a_day_that_is_revived_while_the_leader_looks_stays_open(
    storage: PostgresStorage, open_store: OpenStore
) -> None:
    """It waits for those who are about to make something pending, and sees what they made."""
    event = await what_died_long_ago(await open_store("worker-a"))
    async with storage.connected() as reviver, storage.connected() as leader:
        days = await existing(leader)
        async with reviver.transaction():
            await reopen(reviver, day_of(OLD))
            looking = asyncio.create_task(look(leader, days))
            await until_it_waits(storage)
            await reviver.execute("UPDATE deliveries SET status = 'pending', finished_at = NULL")
        await looking

    assert (await found(storage)).includes(day_of(OLD)), event.id


async def until_it_waits(storage: PostgresStorage) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not (await storage.rows("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"))[0][
            0
        ]:
            await asyncio.sleep(0.02)


def test_days_in_a_row_are_one_condition() -> None:
    """A plan asks for each stretch apart."""
    assert 3 == Unfinished(100, frozenset({50, 90, 91, 98, 99})).has("id").count(" AND ")


@pytest.mark.parametrize("days", [Unfinished(0), Unfinished(20700), Unfinished(20700, frozenset({20500, 20501}))])
def test_what_is_kept_is_what_was_found(days: Unfinished) -> None:
    """It is a line of text among what all processes have in common."""
    assert days == Unfinished.read(days.written())
