"""A month of history on a server whose table of locks is small: each statement locks the days that it needs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest

from relay.domain import Delivery, DeliveryStatus, Rate
from relay.store.ports.search import DeliveryFilter, EventFilter, EventStatus
from relay.store.postgres.days import Days
from relay.store.postgres.numbers import day_of
from relay.store.postgres.store import PostgresStore
from relay.store.protocol import Settlement
from tests.builders import a_lease, a_plan, again, an_event, dead, delivered
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.postgres import FOR_TESTS, running
from tests.storage import PostgresStorage, postgres_storage

DAYS, REPLICAS, ROUNDS = 31, 3, 3
AT_ONCE = 3  # statements of a replica, in sessions of their own
DAY = timedelta(days=1)
OLDEST = START - (DAYS - 1) * DAY
KEEP = timedelta(days=DAYS)
PACE = Rate(1000, 60.0)


OF_ALL_DAYS = DAYS * (3 + 9)  # locks of a statement that looks for events and deliveries in all days and their indexes

# Room for some 600 locks; a server that nobody has set up otherwise has room for 6,400.
SMALL = {
    "max_locks_per_transaction": "20",
    "max_connections": "30",
    "max_wal_senders": "0",
    "max_worker_processes": "0",
    "max_parallel_workers": "0",
}


@pytest.fixture
def storage() -> Iterator[PostgresStorage]:
    """A database on a server whose table of locks is small."""
    with running(free_port(), settings={**FOR_TESTS, **SMALL}) as server, postgres_storage(server) as storage:
        yield storage


@pytest.fixture
async def replicas(storage: PostgresStorage) -> AsyncIterator[list[PostgresStore]]:
    """Replicas on a database that has a month of days."""
    async with AsyncExitStack() as stack:
        found = [PostgresStore(storage.url, f"replica-{number}", patience_s=WAIT_S_MAX) for number in range(REPLICAS)]
        for replica in found:
            await replica.open()
            stack.push_async_callback(replica.close)
        async with storage.connected() as connection:
            for ago in range(DAYS):
                await Days().make(connection, [day_of(START - ago * DAY)])
        yield found


async def test_a_month_of_days_fills_no_small_table_of_locks(
    replicas: list[PostgresStore], storage: PostgresStorage
) -> None:
    """A year of days, or a few more replicas, would fill an ordinary one, and then every sender hears 503."""
    old = an_event(at=OLDEST)
    await replicas[0].accept(old, a_plan("mail", at=OLDEST), {})
    await replicas[0].settle(dead(*await replicas[0].claim("mail", a_lease(), START, 1, 1)))
    await replicas[0].purge(START - KEEP, START, 100, 1)

    for _ in range(ROUNDS):
        await asyncio.gather(*map(work, replicas))
    await asyncio.gather(*map(ask, replicas))
    await replicas[-1].replay(old.id, START)
    await asyncio.gather(*map(work, replicas))

    assert 1 == len(await replicas[-1].claim("mail", a_lease(), START, 1, 1))
    with pytest.raises(asyncpg.OutOfMemoryError):
        await storage.rows(
            f"SELECT pg_advisory_lock(n) FROM generate_series(1, {OF_ALL_DAYS * REPLICAS * AT_ONCE}) AS n"
        )


async def work(replica: PostgresStore) -> None:
    """Do what a replica does all the time."""
    for _ in range(3):
        await replica.accept(an_event(), a_plan("erp", "crm", order="A"), {})
    for target in ("erp", "crm"):
        held = await replica.claim(target, a_lease(), START, 10, 10**9, PACE)
        await asyncio.gather(*map(replica.settle, settled(held)))
    await asyncio.gather(replica.lanes(), replica.next_due(["erp"]), replica.abandoned(START, 10, 10**9))
    await replica.purge(START - KEEP, START, 100, 10**9)


def settled(held: list[Delivery]) -> list[Settlement]:
    return [(delivered, dead, lambda each: again(each, START))[each.id % 3](each) for each in held]


async def ask(replica: PostgresStore) -> None:
    """Ask what an operator asks of all that is kept."""
    for status in (None, DeliveryStatus.DEAD, DeliveryStatus.DELIVERED):
        await replica.search.deliveries(DeliveryFilter(status=status), None, 1000)
    for wanted in (EventFilter(), EventFilter(status=EventStatus.DEAD), EventFilter(text="paid")):
        await replica.search.events(wanted, None, 1000)
    await replica.event_ids("", 1000)
    await replica.changes.cancel_pending("crm", START, 100)
