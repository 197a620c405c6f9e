"""Two databases, one of which is moved to the other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from relay.moving import Progress, Report, move
from relay.store.protocol import Store
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX
from tests.storage import Storage


@dataclass(frozen=True, slots=True)
class Pair:
    """Two databases of a test's own."""

    origin: Storage
    destination: Storage

    async def move(self, tell: Callable[[Progress], None] = lambda _: None) -> Report:
        origin, destination = self.origin.transfer("from"), self.destination.transfer("to")
        try:
            return await move(origin, destination, ManualClock(), tell)
        finally:
            await origin.close()
            await destination.close()


@asynccontextmanager
async def opened(storage: Storage, worker: str, *, patience_s: float = WAIT_S_MAX) -> AsyncIterator[Store]:
    store = storage.store(worker, patience_s=patience_s)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
