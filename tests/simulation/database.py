"""The database: the real statements on a real SQLite in memory, behind a disk that takes its time, or refuses."""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from relay.errors import StoreUnavailable
from relay.store.sqlite.schema import prepare
from relay.store.sqlite.store import SqliteStore
from relay.store.sqlite.writing import transact
from tests.simulation.life import Life

COMMIT_S_MAX = 0.005
SLOW_COMMIT_S_MAX = 2.0
ROOM_BYTES = 10**12


@cache
def _fresh() -> bytes:
    """Return a new database, as the program makes it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "relay.db"
        prepare(path, 1.0)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        return path.read_bytes()


class Database:
    """One database for all processes. What is committed outlives them."""

    def __init__(self, chance: Random) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self.connection.deserialize(_fresh())
        self.chance = chance
        self.is_out = False  # nobody can commit or read
        self.is_slow = False
        self.living: set[str] = set()
        self.ears: dict[str, asyncio.Event] = {}

    def commit_s(self) -> float:
        return self.chance.uniform(0, SLOW_COMMIT_S_MAX if self.is_slow else COMMIT_S_MAX)

    def refuse(self) -> None:
        if self.is_out:
            raise StoreUnavailable("the simulated database is out")

    def ring(self, ringer: str) -> None:
        """Wake the others. A hint, and one in eight is lost."""
        for worker, ear in self.ears.items():
            if worker != ringer and self.chance.random() > 1 / 8:
                ear.set()


class _Writer:
    """Stands where the store has its writing process: groups what waits, and commits it in one transaction."""

    def __init__(self, database: Database, life: Life) -> None:
        self._database = database
        self._life = life
        self._wishes: list[tuple[str, Any, asyncio.Future[Any]]] = []
        self._is_busy = False

    async def do(self, verb: str, argument: Any, _weight_bytes: int = 0) -> Any:
        granted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._wishes.append((verb, argument, granted))
        if not self._is_busy:
            self._is_busy = True
            self._life.live(self._commit_all(), "commit")
        return await granted

    async def _commit_all(self) -> None:
        """Between any two lines here the process may die: before the commit, or before anybody hears of it."""
        while self._wishes:
            group, self._wishes = self._wishes, []
            await self._life.sleep(self._database.commit_s())
            try:
                results = self._committed(group)
            except StoreUnavailable as error:
                results = [error] * len(group)
            await self._life.sleep(self._database.commit_s() / 4)
            for (_, _, granted), result in zip(group, results, strict=True):
                if granted.done():
                    continue
                if isinstance(result, StoreUnavailable):
                    granted.set_exception(StoreUnavailable(str(result)))
                else:
                    granted.set_result(result)
        self._is_busy = False

    def _committed(self, group: Sequence[tuple[str, Any, Any]]) -> list[Any]:
        self._database.refuse()
        by_verb: dict[str, list[int]] = {}
        for index, (verb, _, _) in enumerate(group):
            by_verb.setdefault(verb, []).append(index)
        wanted = [(verb, [group[index][1] for index in indexes]) for verb, indexes in by_verb.items()]
        results: list[Any] = [None] * len(group)
        for indexes, of_verb in zip(by_verb.values(), transact(self._database.connection, wanted), strict=True):
            for index, result in zip(indexes, of_verb, strict=True):
                results[index] = result
        return results


class _Reader:
    """Stands where the store has its reading connection."""

    def __init__(self, database: Database, life: Life) -> None:
        self._database = database
        self._life = life

    async def execute_fetchall(self, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        await self._life.sleep(0 if self._database.chance.random() > 1 / 4 else self._database.commit_s() / 8)
        self._database.refuse()
        return self._database.connection.execute(sql, parameters).fetchall()


class _Locks:
    """Stands where the store sees which workers live."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_alive(self, worker: str) -> bool:
        return worker in self._database.living


class _Bells:
    """Stands where the store wakes other processes."""

    def __init__(self, database: Database, worker: str) -> None:
        self._worker = worker
        self._database = database
        self._ear = database.ears[worker] = asyncio.Event()

    async def heard(self) -> None:
        await self._ear.wait()
        self._ear.clear()

    def ring(self) -> None:
        self._database.ring(self._worker)


class SimulatedStore(SqliteStore):
    """The real store, with its file, its processes and its threads taken away."""

    def __init__(self, database: Database, worker: str, life: Life) -> None:
        super().__init__(Path("simulated"), worker)
        stands_in: dict[str, object] = {
            "_writer": _Writer(database, life),
            "_reader": _Reader(database, life),
            "_locks": _Locks(database),
            "_bells": _Bells(database, worker),
        }
        self.__dict__.update(stands_in)

    def free_bytes(self) -> int | None:
        return ROOM_BYTES
