"""What all tests share: a clock that is moved by hand, and a real store in a temporary folder."""

import asyncio
import heapq
import itertools
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from relay.store.protocol import Store
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.postgres import NEWEST, Server, running
from tests.storage import OpenStore, SqliteStorage, Storage, postgres_storage

# The same examples each time, however long each takes; `--hypothesis-profile=default` looks for others.
settings.register_profile("relay", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("relay")

# What a shell begins in the background ignores Ctrl-C, and so would every program that a test begins.
signal.signal(signal.SIGINT, signal.default_int_handler)

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

    def machine_now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed_s

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Sleep from this moment on, also where whoever is to sleep gets its turn only after time was moved."""
        return self._asleep(self._elapsed_s, seconds)

    async def _asleep(self, since_s: float, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (since_s + seconds, next(self._order), woken))
        if since_s < self._elapsed_s:
            self.advance(0)
        await woken

    @property
    def is_slept_by(self) -> bool:
        """Tell whether anybody sleeps: time that is moved before is moved for nobody."""
        return any(not woken.done() for _, _, woken in self._sleepers)

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The one PostgreSQL server of all tests that need no server of their own: RELAY_TESTS_POSTGRES=13 the oldest."""
    with running(free_port(), int(os.environ.get("RELAY_TESTS_POSTGRES", NEWEST))) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """A database of the test's own, on each engine in turn."""
    if request.param == "sqlite":
        yield SqliteStorage(tmp_path)
    else:
        with postgres_storage(request.getfixturevalue("postgres")) as storage:
            yield storage


@pytest.fixture
async def open_store(storage: Storage) -> AsyncIterator[OpenStore]:
    """Open the same storage for a worker, as another process would."""
    opened: list[Store] = []

    async def open_for(worker: str, *, patience_s: float = WAIT_S_MAX) -> Store:
        store = storage.store(worker, patience_s=patience_s)
        await store.open()
        opened.append(store)
        return store

    yield open_for
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store("worker-a")
