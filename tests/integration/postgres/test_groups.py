"""What is accepted at the same time, and by how many ways it goes to the database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from relay.store.postgres.groups import WORTH_A_WAY, Groups
from relay.store.postgres.store import PostgresStore
from relay.store.postgres.way import Way, Wish
from tests.builders import a_plan, an_event
from tests.patience import WAIT_S_MAX
from tests.storage import PostgresStorage

FEW = 5
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'relay accepting' AND wait_event_type = 'Lock'"
)


@pytest.fixture
async def store(storage: PostgresStorage) -> AsyncIterator[PostgresStore]:
    """A patient store, that has made the day."""
    store = PostgresStore(storage.url, "worker-a", patience_s=WAIT_S_MAX)
    await store.open()
    await store.accept(an_event(), a_plan(), {})
    yield store
    await store.close()


async def until_waiting(storage: PostgresStorage, sessions: int) -> None:
    """Come back once so many of our sessions wait for a lock."""
    async with asyncio.timeout(WAIT_S_MAX):
        while await storage.rows(WAITING) != [(sessions,)]:
            await asyncio.sleep(0.02)


def accepting(store: PostgresStore, count: int, order: str | None = None) -> list["asyncio.Task[object]"]:
    return [asyncio.create_task(store.accept(an_event(), a_plan(order=order), {})) for _ in range(count)]


async def test_few_wait_for_a_commit_and_many_go_beside_it(storage: PostgresStorage, store: PostgresStore) -> None:
    """Each commit has a price of its own, so that groups should be large; a slow one must not hold all others up."""
    async with storage.blocked():
        tasks = accepting(store, 1)
        await until_waiting(storage, 1)
        tasks += accepting(store, FEW)
        for _ in range(FEW):
            await storage.rows(WAITING)  # the event loop turns
        tasks += accepting(store, WORTH_A_WAY)
        await until_waiting(storage, 2)
    await asyncio.gather(*tasks)

    groups = await storage.rows("SELECT count(*) FROM events GROUP BY xmin ORDER BY 1")
    assert [(1,), (1,), (FEW + WORTH_A_WAY,)] == groups


async def test_what_is_in_order_is_overtaken_by_nothing_of_its_line(
    storage: PostgresStorage, store: PostgresStore
) -> None:
    """Two ways side by side would let the second of a line come before its first."""
    async with storage.blocked():
        tasks = accepting(store, 1)
        await until_waiting(storage, 1)
        for _ in range(WORTH_A_WAY):
            tasks += [*accepting(store, 1, order="a line"), *accepting(store, 1)]
        await until_waiting(storage, 2)
        tasks += accepting(store, WORTH_A_WAY, order="a line")
    await asyncio.gather(*tasks)

    turns = await storage.rows("""
        SELECT e.id FROM deliveries d JOIN events e ON e.seq = d.event_seq WHERE turn IS NOT NULL ORDER BY turn""")
    assert 2 * WORTH_A_WAY == len(turns)
    assert sorted(turns) == turns


class Committed(Way):
    """A way that tells when it was asked to commit, and has when it may."""

    def __init__(self, story: list[str], may: asyncio.Event) -> None:
        self._story = story
        self._may = may

    async def results(self, group: Sequence[Wish]) -> list[Any]:
        self._story.append(f"commit {''.join(wish.argument for wish in group)}")
        await self._may.wait()
        return [None] * len(group)


async def test_the_next_group_is_on_its_way_before_those_of_the_last_one_are_told() -> None:
    """The database works while they answer, instead of waiting until all of them have."""
    story: list[str] = []
    may = asyncio.Event()
    groups = Groups([Committed(story, may)], 1000)

    async def wish(name: str) -> None:
        await groups.do("accept", name)
        story.append(f"tell {name}")

    async with asyncio.TaskGroup() as wishes:
        wishes.create_task(wish("a"))
        wishes.create_task(wish("b"))
        while not story:
            await asyncio.sleep(0)
        wishes.create_task(wish("c"))
        await asyncio.sleep(0)
        may.set()

    assert ["commit ab", "commit c", "tell a", "tell b", "tell c"] == story
