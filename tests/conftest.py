"""What all tests share: a clock that is moved by hand, and a real store in a temporary folder."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.store.protocol import Store
from relay.store.sqlite.store import SqliteStore

START = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


class ManualClock:
    """Time that stands still until it is moved. Who sleeps wakes when its time has come."""

    def __init__(self) -> None:
        self._now = START
        self._elapsed_s = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move time ahead; who slept until then wakes at the loop's next turn."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = SqliteStore(tmp_path / "relay.db", "worker-a")
    await store.open()
    yield store
    await store.close()
