"""A PostgreSQL database as one that an installation is moved from, or to."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from relay.errors import StoreUnavailable, StoreUnusable
from relay.store.migrations import require_current, steps_of
from relay.store.postgres import moved, moved_operating
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection, Server
from relay.store.postgres.failures import translated
from relay.store.postgres.locks import MOVE
from relay.store.postgres.moved import EventWriter
from relay.store.postgres.numbers import Numbers
from relay.store.postgres.schema import ENGINE, applied, connected, make_ready, mark_of, oldest_alive
from relay.store.postgres.session import BY_INDEX, SCHEMA
from relay.store.records import Place, Record
from relay.store.transfer import Bounds, Queues, Section, Size, Span, Standing

T = TypeVar("T")

PATIENCE_S = 10.0  # to connect, and for a lock
SETTINGS = {
    **BY_INDEX,
    "search_path": SCHEMA,
    "plan_cache_mode": "force_custom_plan",  # each batch locks its own day
    "timezone": "UTC",
    "application_name": "relay migrate",
    "statement_timeout": "0",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "0",  # what is held still is held until the end
}
READ: dict[Section, Callable[[Connection, Span, Bounds], Awaitable[Sequence[Record]]]] = {
    Section.EVENTS: moved.read_events,
    Section.KEYS: moved.read_keys,
    Section.LANES: moved.read_lanes,
    Section.REPLAYS: moved_operating.read_replays,
    Section.REJECTIONS: moved_operating.read_rejections,
    Section.MINUTES: moved_operating.read_minutes,
}


class PostgresTransfer:
    """Fulfils `relay.store.transfer.Transfer`. shown: its URL without user and password."""

    def __init__(self, url: str, shown: str) -> None:
        self._server = Server(url, PATIENCE_S)
        self._shown = shown
        self._connection: Connection | None = None
        self._stillness: Connection | None = None
        events = EventWriter(Days(), Numbers("event_blocks"), Numbers("delivery_blocks"))
        self._write: dict[Section, Callable[..., Awaitable[None]]] = {
            Section.EVENTS: events.write,
            Section.KEYS: moved.write_keys,
            Section.LANES: moved.write_lanes,
            Section.REPLAYS: moved_operating.write_replays,
            Section.REJECTIONS: moved_operating.write_rejections,
            Section.MINUTES: moved_operating.write_minutes,
        }

    @property
    def place(self) -> str:
        """Say where it is."""
        return self._shown

    async def look(self) -> Standing:
        """Find out how it stands, and change nothing."""
        async with self._connected() as connection:
            if await connection.fetchval("SELECT to_regclass('migrations')") is None:
                return Standing(True, None, None, None)
            require_current(steps_of(ENGINE), await applied(connection), self._shown, may_be_older=True)
            has_mark = await connection.fetchval("SELECT to_regclass('moves')") is not None
            mark = await mark_of(connection) if has_mark else None
            return Standing(await moved.is_empty(connection), mark, await _relay(connection), None)

    async def identity(self) -> str | None:
        """Return what tells one database of one server from all others."""
        async with self._connected() as connection:
            return str(await connection.fetchval(_IDENTITY))

    async def open(self) -> None:
        """Make ready to be read."""
        connection = await connected(self._server, SETTINGS)
        try:
            with translated():
                is_ours = await connection.fetchval("SELECT to_regclass('migrations')") is not None
                found = await applied(connection) if is_ours else []
            require_current(steps_of(ENGINE), found, self._shown)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection

    async def begin(self, origin: str, now: datetime) -> None:
        """Make ready to be written, and mark it as filled from `origin`."""
        connection = self._connection = await connected(self._server, SETTINGS)
        with translated():
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1, 0)", MOVE):
                raise StoreUnusable(f"another `relay migrate` is filling {self._shown}: let that one finish, or end it")
            await make_ready(connection)
            await connection.execute(_MARK, origin, now)

    async def hold_still(self) -> str | None:
        """Let nobody change the database until `close`, unless a relay runs on it."""
        if relay := await self.relay():
            return relay
        connection = await connected(self._server, SETTINGS)
        with translated():
            await connection.execute("BEGIN")
            await connection.execute(_HOLD_STILL)
        if relay := await self.relay():
            await connection.close()
            return relay
        self._stillness = connection
        return None

    async def relay(self) -> str | None:
        """Name a relay that runs on it, or None."""
        with translated():
            return await _relay(self._opened)

    async def size(self) -> Size:
        """Count."""
        with translated():
            return await moved.size(self._opened)

    async def read(self, section: Section, span: Span, bounds: Bounds) -> Sequence[Record]:
        """Read the first records of a span."""
        return await self._ask(READ[section], span, bounds)

    async def write(self, section: Section, records: Sequence[Record], gone: Sequence[Place]) -> None:
        """Put records in the place of those that stand there, and remove others."""
        with translated():
            async with self._opened.transaction():
                await self._write[section](self._opened, records, gone)

    async def queues(self) -> Queues:
        """Sum up who waits for whom."""
        return await self._ask(moved.queues)

    async def finish(self, now: datetime) -> None:
        """Count what the lanes have, and let relays start."""
        with translated():
            async with self._opened.transaction():
                await moved.count_lanes(self._opened)
                await self._opened.execute("DELETE FROM kept WHERE name = 'unfinished'")  # any day may be now
                await self._opened.execute("UPDATE moves SET finished_at = $1", now)

    async def close(self) -> None:
        """Let go of it."""
        for connection in (self._connection, self._stillness):
            if connection is not None and not connection.is_closed():
                connection.terminate()  # nothing is under way that should be finished
        self._connection = self._stillness = None

    @property
    def _opened(self) -> Connection:
        if self._connection is None:
            raise StoreUnavailable("the database is not open")
        return self._connection

    async def _ask(self, question: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Ask several things as they are at one moment."""
        with translated():
            async with self._opened.transaction(isolation="repeatable_read", readonly=True):
                return await question(self._opened, *arguments)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        """Connect for one question. Errors: StoreUnusable."""
        connection = await connected(self._server, SETTINGS)
        try:
            yield connection
        except asyncpg.PostgresError as fault:
            raise StoreUnusable(f"{self._shown} cannot be read: {fault}") from fault
        finally:
            await connection.close()


async def _relay(connection: Connection) -> str | None:
    oldest = await oldest_alive(connection)
    return oldest[1] if oldest else None


# A server that started at this moment, and a database of it: no other name for it changes that.
_IDENTITY = """
    SELECT concat_ws(' ', pg_postmaster_start_time(), inet_server_port(), oid)
    FROM pg_database WHERE datname = current_database()"""

_MARK = "INSERT INTO moves (id, origin, begun_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING"

# Who changes a part of these changes the whole: the days themselves need no lock.
_HOLD_STILL = """
    LOCK TABLE ONLY events, ONLY contents, ONLY dedupe_keys, ONLY deliveries, ONLY attempts, ONLY lanes, ONLY holds,
        ONLY grants, ONLY replays, ONLY rejections, ONLY rejected_requests, ONLY minutes, ONLY workers IN SHARE MODE"""
