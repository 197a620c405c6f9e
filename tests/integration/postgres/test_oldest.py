"""The oldest PostgreSQL that we support: whatever can become of an event becomes of it on a real one, too."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay.domain import DeliveryStatus
from relay.store.ports.search import DeliveryFilter, EventFilter
from relay.store.protocol import Store
from tests.builders import a_plan, an_event
from tests.conftest import START
from tests.histories import DAY, History, cancel_some, paperwork, standing, stories, way_out
from tests.pairs import Pair, opened
from tests.patience import WAIT_S_MAX
from tests.postgres import OLDEST, Server
from tests.storage import PostgresStorage, SqliteStorage, Storage, postgres_storage

STEPS = 60
MANY = 1000


@pytest.fixture
def storage(oldest: Server) -> Iterator[PostgresStorage]:
    with postgres_storage(oldest) as storage:
        yield storage


@pytest.fixture(params=["from", "to"])
def pair(request: pytest.FixtureRequest, storage: PostgresStorage, tmp_path: Path) -> Pair:
    """A house to move from, and one to move to: one of them a file."""
    file = SqliteStorage(tmp_path)
    return Pair(storage, file) if request.param == "from" else Pair(file, storage)


async def a_past(storage: Storage) -> History:
    """Let everything happen that can, and forget what is old."""
    async with opened(storage, "worker-dead") as store:
        history = History(store, "worker-dead", seed=OLDEST)
        await history.go_on(STEPS)
        await history.purge(START + DAY)
        await history.go_on(STEPS)
    await cancel_some(storage)
    return history


async def found(store: Store) -> tuple[list[str], list[list[tuple[str, str]]]]:
    """Search by all that both engines must agree on."""
    events = await store.search.events(EventFilter(since=START, text="ü"), None, MANY)
    pages = [await store.search.deliveries(DeliveryFilter(status=status), None, MANY) for status in DeliveryStatus]
    return [event.id for event in events.events], [
        sorted((row.event_id, row.target) for row in page.deliveries) for page in pages
    ]


async def test_what_has_a_past_there_is_what_it_would_be_anywhere(pair: Pair) -> None:
    """Accepted, claimed, settled, replayed, held, refused, purged, searched and moved: as on a file, to the letter."""
    history = await a_past(pair.origin)

    report = await pair.move()

    assert [(tally.count, tally.checksum) for tally in report.tallies] == [
        (tally.count_there, tally.checksum_there) for tally in report.tallies
    ]
    async with opened(pair.origin, "worker-a") as origin, opened(pair.destination, "worker-b") as destination:
        assert await stories(origin, history.events) == await stories(destination, history.events)
        assert await paperwork(origin) == await paperwork(destination)
        assert await standing(origin, pair.origin) == await standing(destination, pair.destination)
        assert await found(origin) == await found(destination)
        later = START + timedelta(days=30)
        here, there = await way_out(origin, "worker-a", later), await way_out(destination, "worker-b", later)
    assert here
    assert sorted(here) == sorted(there)


async def test_who_waits_is_woken(storage: PostgresStorage) -> None:
    """One process stores, another carries: it hears of it."""
    async with opened(storage, "worker-a") as receiver, opened(storage, "worker-b") as deliverer:
        waiting = asyncio.create_task(deliverer.woken())
        async with asyncio.timeout(WAIT_S_MAX):
            while await receiver.listeners() == 0:
                await asyncio.sleep(0.01)
            await receiver.accept(an_event(), a_plan(), {})
            await waiting
