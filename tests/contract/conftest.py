"""What the contract suites share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from relay.store.protocol import Store
from relay.store.sqlite.store import SqliteStore

OpenStore = Callable[[str], Awaitable[Store]]


@pytest.fixture
async def open_store(tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Open the same storage for a worker, as another process would."""
    opened: list[SqliteStore] = []

    async def open_for(worker: str) -> Store:
        store = SqliteStore(tmp_path / "relay.db", worker, patience_s=0.05)
        await store.open()
        opened.append(store)
        return store

    yield open_for
    for store in opened:
        await store.close()
