"""A SQLite file as one that an installation is moved from, or to."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from relay.clock import to_ms
from relay.errors import StoreUnavailable, StoreUnusable
from relay.store.migrations import require_current, steps_of
from relay.store.records import Place, Record
from relay.store.sqlite import moved, moved_operating
from relay.store.sqlite.connection import SETTINGS
from relay.store.sqlite.liveness import WorkerLocks
from relay.store.sqlite.schema import applied, made_ready, mark_of
from relay.store.transfer import Bounds, Queues, Section, Size, Span, Standing

T = TypeVar("T")

PATIENCE_S = 10.0
READ: dict[Section, Callable[..., Sequence[Record]]] = {
    Section.EVENTS: moved.read_events,
    Section.KEYS: moved.read_keys,
    Section.LANES: moved.read_lanes,
    Section.REPLAYS: moved_operating.read_replays,
    Section.REJECTIONS: moved_operating.read_rejections,
    Section.MINUTES: moved_operating.read_minutes,
}
WRITE: dict[Section, Callable[..., None]] = {
    Section.EVENTS: moved.write_events,
    Section.KEYS: moved.write_keys,
    Section.LANES: moved.write_lanes,
    Section.REPLAYS: moved_operating.write_replays,
    Section.REJECTIONS: moved_operating.write_rejections,
    Section.MINUTES: moved_operating.write_minutes,
}


class SqliteTransfer:
    """Fulfils `relay.store.transfer.Transfer`. worker: names this process where it writes."""

    def __init__(self, path: Path, worker: str) -> None:
        self._path = path
        self._worker = worker
        self._locks = WorkerLocks(path)
        self._connection: sqlite3.Connection | None = None
        self._stillness: sqlite3.Connection | None = None

    @property
    def place(self) -> str:
        """Say where it is."""
        return f"sqlite:///{self._path.absolute()}"

    async def look(self) -> Standing:
        """Find out how it stands, and change nothing."""
        return await asyncio.to_thread(self._look)

    async def identity(self) -> str | None:
        """Return the file's own number on its disk."""
        with suppress(OSError):
            found = self._path.stat()
            return f"{found.st_dev}:{found.st_ino}"
        return None

    async def open(self) -> None:
        """Make ready to be read."""
        await asyncio.to_thread(self._open)

    async def begin(self, origin: str, now: datetime) -> None:
        """Make ready to be written, and mark it as filled from `origin`."""
        await asyncio.to_thread(self._begin, origin, now)

    async def hold_still(self) -> str | None:
        """Let nobody change the file until `close`, unless a relay runs on it."""
        return await asyncio.to_thread(self._hold_still)

    async def relay(self) -> str | None:
        """Name a relay that runs on it, or None."""
        return self._relay()

    async def size(self) -> Size:
        """Count."""
        return await self._ask(moved.size)

    async def read(self, section: Section, span: Span, bounds: Bounds) -> Sequence[Record]:
        """Read the first records of a span."""
        return await self._ask(READ[section], span, bounds)

    async def write(self, section: Section, records: Sequence[Record], gone: Sequence[Place]) -> None:
        """Put records in the place of those that stand there, and remove others."""
        await self._change(WRITE[section], records, gone)

    async def queues(self) -> Queues:
        """Sum up who waits for whom."""
        return await self._ask(moved.queues)

    async def finish(self, now: datetime) -> None:
        """Count what the lanes have, and let relays start."""
        await self._change(_finish, now)

    async def close(self) -> None:
        """Let go of the file."""
        for connection in (self._connection, self._stillness):
            if connection is not None:
                connection.close()
        self._connection = self._stillness = None
        self._locks.drop(self._worker)

    def _look(self) -> Standing:
        folder = next(parent for parent in self._path.absolute().parents if parent.exists())
        free_bytes = shutil.disk_usage(folder).free
        if not self._path.exists() or not self._path.stat().st_size:
            return Standing(True, None, self._relay(), free_bytes)
        with _readable(self._path), closing(_connected(self._path)) as connection:
            if not _has(connection, "migrations"):
                return Standing(not _has_any(connection), None, self._relay(), free_bytes)
            require_current(steps_of("sqlite"), applied(connection), str(self._path), may_be_older=True)
            mark = mark_of(connection) if _has(connection, "moves") else None
            return Standing(moved.is_empty(connection), mark, self._relay(), free_bytes)

    def _open(self) -> None:
        if not self._path.exists():
            raise StoreUnusable(f"there is no database at {self._path.absolute()}")
        with _readable(self._path):
            if not os.access(self._path, os.R_OK | os.W_OK):
                raise StoreUnusable(f"{self._path} cannot be read: reading takes the right to write its log beside it")
            connection = _connected(self._path)
            try:
                found = applied(connection) if _has(connection, "migrations") else []
                require_current(steps_of("sqlite"), found, str(self._path))
            except BaseException:
                connection.close()
                raise
        self._connection = connection

    def _begin(self, origin: str, now: datetime) -> None:
        with made_ready(self._path, PATIENCE_S) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO moves (id, origin, begun_at) VALUES (1, ?, ?)", (origin, to_ms(now))
            )
        try:
            self._locks.hold(self._worker)
        except OSError as error:
            raise StoreUnusable(f"no lock file can be held beside {self._path}: {error}") from error
        if other := self._relay():
            raise StoreUnusable(f"{self._path} is in use by another process ({other}): stop that one first")
        self._connection = _connected(self._path)
        for setting in SETTINGS:
            self._connection.execute(setting)

    def _hold_still(self) -> str | None:
        if relay := self._relay():
            return relay
        with _available():
            stillness = _connected(self._path)
            stillness.execute("BEGIN IMMEDIATE")
        if relay := self._relay():
            stillness.close()
            return relay
        self._stillness = stillness
        return None

    def _relay(self) -> str | None:
        return next(iter(sorted(self._locks.living() - {self._worker})), None)

    async def _ask(self, question: Callable[..., T], *arguments: object) -> T:
        return await asyncio.to_thread(self._in_transaction, "BEGIN", question, *arguments)

    async def _change(self, change: Callable[..., None], *arguments: object) -> None:
        await asyncio.to_thread(self._in_transaction, "BEGIN IMMEDIATE", change, *arguments)

    def _in_transaction(self, begin: str, work: Callable[..., T], *arguments: object) -> T:
        if self._connection is None:
            raise StoreUnavailable("the database is not open")
        with _available():
            self._connection.execute(begin)
            try:
                result = work(self._connection, *arguments)
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise
        return result


def _connected(path: Path) -> sqlite3.Connection:
    """Open a file that is there: none is made."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=PATIENCE_S,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreUnusable(f"{path} cannot be read as the relay's database: {error}") from error


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database cannot go on: {error}") from error


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _has_any(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def _finish(connection: sqlite3.Connection, now: datetime) -> None:
    moved.count_lanes(connection)
    connection.execute("UPDATE moves SET finished_at = ?", (to_ms(now),))
