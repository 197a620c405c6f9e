"""Bells between processes on one SQLite file: rung once a commit, never waited for, cleared away after the dead."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.store.protocol import Store
from relay.store.sqlite.liveness import WorkerLocks
from relay.store.sqlite.store import SqliteStore
from relay.store.sqlite.waking import FIFO_BYTES
from tests.builders import a_lease, a_plan, an_event


class Listener:
    """A process that listens, from outside: its lock and its FIFO."""

    def __init__(self, database: Path, name: str) -> None:
        self.locks = WorkerLocks(database)
        self.locks.hold(name)
        self.path = self.locks.folder / f"{name}.bell"
        os.mkfifo(self.path)
        self.fifo = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.name = name

    def rings(self) -> int:
        """Tell how often it was rung since it was asked last."""
        try:
            return len(os.read(self.fifo, FIFO_BYTES))
        except BlockingIOError:
            return 0

    def die(self) -> None:
        """Leave everything behind as a killed process does."""
        os.close(self.fifo)
        for descriptor in self.locks._held.values():
            os.close(descriptor)
        self.locks._held.clear()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "relay.db", "worker-z")
    yield listener
    listener.locks.drop(listener.name)


async def turns_of_the_loop() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_group_of_events_rings_once(store: Store, listener: Listener) -> None:
    """A busy receiver pays a write for each commit, not for each event."""
    await asyncio.gather(*(store.accept(an_event(), a_plan(), {}) for _ in range(300)))
    await turns_of_the_loop()

    assert 1 <= listener.rings() <= 2  # the first comes alone where the writer is idle


async def test_what_a_process_carries_itself_rings_nobody(store: Store, listener: Listener) -> None:
    """One process that does everything has nobody to wake."""
    await store.accept(an_event(), a_plan(), {0: a_lease()})
    await turns_of_the_loop()

    assert 0 == listener.rings()


async def test_a_listener_that_hangs_holds_up_nobody(store: Store, listener: Listener) -> None:
    """Its FIFO is full: it has enough to hear."""
    os.write(listener.fifo, b"!" * FIFO_BYTES)

    await store.accept(an_event(), a_plan(), {})
    await turns_of_the_loop()

    assert FIFO_BYTES == listener.rings()


async def test_what_a_killed_listener_left_is_cleared_away(store: Store, listener: Listener) -> None:
    """Nobody writes to it, nobody counts it, and the folder does not fill."""
    listener.die()

    await store.accept(an_event(), a_plan(), {})
    await turns_of_the_loop()

    assert 0 == await store.listeners()
    assert not listener.path.exists()


async def test_a_listener_killed_while_it_is_known_is_forgotten(store: Store, listener: Listener) -> None:
    """The next ring finds nobody at the other end, and that is all that happens."""
    assert 1 == await store.listeners()
    listener.die()

    await store.accept(an_event(), a_plan(), {})
    await turns_of_the_loop()

    assert 0 == await store.listeners()


async def test_where_no_fifo_can_be_nobody_is_woken_and_all_goes_on(store: SqliteStore, tmp_path: Path) -> None:
    """Some shared folders of virtual machines have none: then the look of every second must do."""
    (tmp_path / "relay.db-workers" / "worker-a.bell").touch()

    waiting = asyncio.create_task(store.woken())
    await turns_of_the_loop()

    assert not waiting.done()
    waiting.cancel()
