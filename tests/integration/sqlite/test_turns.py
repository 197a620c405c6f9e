"""Turns between the writers of one file: waited for, passed on at once, and never a reason to stand still."""

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.store.sqlite.store import SqliteStore
from tests.builders import a_plan, an_event
from tests.patience import WAIT_S_MAX

PATIENCE_S = 0.5


class Holder:
    """Another writer that has the turn."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._descriptor = os.open(folder / "turn.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def pass_on(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    holder = Holder(tmp_path / "relay.db-workers")
    yield holder
    holder.close()


async def test_a_writer_waits_for_its_turn(tmp_path: Path, holder: Holder) -> None:
    """Instead of asking SQLite, which would let it sleep."""
    store = SqliteStore(tmp_path / "relay.db", "worker-a", patience_s=WAIT_S_MAX)
    await store.open()
    waiting = asyncio.create_task(store.accept(an_event(), a_plan(), {}))
    await asyncio.wait((waiting,), timeout=0.2)
    assert not waiting.done()

    holder.pass_on()

    async with asyncio.timeout(WAIT_S_MAX):
        await waiting
    await store.close()


async def test_who_hangs_with_the_turn_holds_up_nobody_for_long(tmp_path: Path, holder: Holder) -> None:
    """A stopped process costs one wait; what guards the file is SQLite, not the turn."""
    store = SqliteStore(tmp_path / "relay.db", "worker-a", patience_s=PATIENCE_S)
    await store.open()
    began_s = time.monotonic()
    await store.accept(an_event(), a_plan(), {})
    first_s = time.monotonic() - began_s
    for _ in range(20):
        await store.accept(an_event(), a_plan(), {})
    all_s = time.monotonic() - began_s
    await store.close()

    assert first_s >= PATIENCE_S
    assert all_s < 20 * PATIENCE_S / 2
