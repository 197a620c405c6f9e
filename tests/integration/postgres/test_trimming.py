"""Refused requests are kept within bounds by all replicas together."""

import asyncio

from relay.store.ports.rejections import Bounds
from tests.builders import a_rejection
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore, PostgresStorage

COUNT = 5
BOUNDS = Bounds(START, COUNT, 10**9)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_two_who_keep_at_the_same_moment_keep_no_more_than_one(
    storage: PostgresStorage, open_store: OpenStore
) -> None:
    """Each drops what is too much of all, also of what the other has just kept; and neither waits for the other's end
    while that one waits for its own.
    """
    stores = [await open_store(name) for name in ("worker-a", "worker-b")]
    flood = [a_rejection() for _ in range(COUNT)]
    await stores[0].rejections.keep(flood, BOUNDS)

    async with storage.connected() as reader, asyncio.timeout(WAIT_S_MAX):
        async with reader.transaction():
            await reader.execute("SELECT FROM rejections FOR UPDATE")
            keeping = [asyncio.create_task(store.rejections.keep(flood, BOUNDS)) for store in stores]
            while await storage.rows(WAITING) != [(len(stores),)]:
                await asyncio.sleep(0.02)
        await asyncio.gather(*keeping)

    assert [(COUNT,)] == await storage.rows("SELECT count(*) FROM rejections")
