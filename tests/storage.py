"""Each engine's storage as tests use it: opened as one process or several would, read and blocked from outside."""

import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from relay.config import Database, PostgresDatabase, SqliteDatabase
from relay.domain import Secret
from relay.store.opening import transfer_of
from relay.store.postgres.session import SCHEMA
from relay.store.postgres.store import PostgresStore
from relay.store.protocol import Store
from relay.store.sqlite.store import SqliteStore
from relay.store.transfer import Transfer
from tests.patience import WAIT_S_MAX
from tests.postgres import Server

Rows = list[tuple[Any, ...]]


class OpenStore(Protocol):
    """Opens a test's storage for a worker, as another process would."""

    async def __call__(self, worker: str, *, patience_s: float = WAIT_S_MAX) -> Store: ...


class Storage(Protocol):
    """One database of a test's own."""

    @property
    def url(self) -> str:
        """Return it as a configuration names it."""
        ...

    def store(self, worker: str, *, patience_s: float = WAIT_S_MAX) -> Store:
        """Return a store on it, as another process would have one; not opened.

        patience_s: how long it waits while the database is `blocked`. A machine that is slow tries nobody's patience.
        """
        ...

    def transfer(self, worker: str = "mover") -> Transfer:
        """Return it as one that an installation is moved from, or to; not opened."""
        ...

    def database(self) -> Database:
        """Return it as a configuration names it."""
        ...

    async def rows(self, statement: str) -> Rows:
        """Read it from outside."""
        ...

    async def execute(self, statements: str) -> None:
        """Change it from outside."""
        ...

    async def is_untouched(self) -> bool:
        """Tell whether nothing of ours was ever made in it."""
        ...

    async def bytes_used(self) -> int:
        """Return how large it is."""
        ...

    async def refuse_settlement(self, event_id: str, reason: str = "%") -> None:
        """Have the database refuse whatever may become of an event's deliveries for a reason LIKE that."""
        ...

    def blocked(self) -> AbstractAsyncContextManager[None]:
        """Let nobody write to it meanwhile."""
        ...

    def impatient(self) -> AbstractContextManager[None]:
        """Have stores wait no longer than they were made for, as while it is `blocked`."""
        ...


class SqliteStorage:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "relay.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def store(self, worker: str, *, patience_s: float = WAIT_S_MAX) -> Store:
        return SqliteStore(self.path, worker, patience_s=patience_s)

    def transfer(self, worker: str = "mover") -> Transfer:
        return transfer_of(self.database(), worker)

    def database(self) -> Database:
        return SqliteDatabase(self.path)

    async def rows(self, statement: str) -> Rows:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()

    async def execute(self, statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(statements)
            connection.commit()

    async def is_untouched(self) -> bool:
        return not self.path.exists()

    async def bytes_used(self) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size

    async def refuse_settlement(self, event_id: str, reason: str = "%") -> None:
        await self.execute(f"""
            CREATE TRIGGER refused BEFORE UPDATE ON deliveries
            WHEN NEW.status <> 'sending' AND NEW.reason LIKE '{reason}'
                AND NEW.event_seq = (SELECT seq FROM events WHERE id = '{event_id}')
            BEGIN SELECT RAISE(ABORT, 'not this one'); END""")

    def impatient(self) -> AbstractContextManager[None]:
        return nullcontext()  # they always do: only a lock is waited for

    @asynccontextmanager
    async def blocked(self) -> AsyncIterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            yield


@contextmanager
def waiting_for(store: PostgresStore, patience_s: float) -> Iterator[None]:
    """Have a store wait so long for each answer meanwhile, whatever takes its time: not only a lock, as with SQLite."""
    server = store._server
    before = server.patience_s
    object.__setattr__(server, "patience_s", patience_s)  # frozen for all others
    try:
        yield
    finally:
        object.__setattr__(server, "patience_s", before)


class PostgresStorage:
    """A database on a server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._impatient: list[tuple[PostgresStore, float]] = []

    def store(self, worker: str, *, patience_s: float = WAIT_S_MAX) -> Store:
        store = PostgresStore(self.url, worker, patience_s=WAIT_S_MAX)
        self._impatient.append((store, patience_s))
        return store

    def transfer(self, worker: str = "mover") -> Transfer:
        return transfer_of(self.database(), worker)

    def database(self) -> Database:
        return PostgresDatabase(Secret(self.url), f"postgresql://{self.url.rpartition('@')[2]}")

    async def rows(self, statement: str) -> Rows:
        async with self.connected() as connection:
            return [tuple(row) for row in await connection.fetch(statement)]

    async def execute(self, statements: str) -> None:
        async with self.connected() as connection:
            await connection.execute(statements)

    async def is_untouched(self) -> bool:
        return await self.rows("SELECT to_regnamespace('relay') IS NULL") == [(True,)]

    async def bytes_used(self) -> int:
        ((size,),) = await self.rows("SELECT pg_database_size(current_database())")
        return int(size)

    async def refuse_settlement(self, event_id: str, reason: str = "%") -> None:
        await self.execute(f"""
            CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE check_violation USING MESSAGE = 'not this one'; END $$;
            DO $$ BEGIN EXECUTE format('CREATE TRIGGER refused BEFORE UPDATE ON deliveries FOR EACH ROW
                WHEN (NEW.status <> ''sending'' AND NEW.reason LIKE %L AND NEW.event_seq = %s)
                EXECUTE FUNCTION refused()',
                '{reason}', (SELECT seq FROM events WHERE id = '{event_id}')); END $$""")

    @asynccontextmanager
    async def blocked(self) -> AsyncIterator[None]:
        async with self.connected() as intruder, intruder.transaction():
            await intruder.execute("LOCK TABLE dedupe_keys, deliveries, probe, minutes IN ACCESS EXCLUSIVE MODE")
            with self.impatient():
                yield

    @contextmanager
    def impatient(self) -> Iterator[None]:
        with ExitStack() as stack:
            for store, patience_s in self._impatient:
                stack.enter_context(waiting_for(store, patience_s))
            yield

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Connect from outside."""
        connection = await asyncpg.connect(self.url, server_settings={"search_path": SCHEMA})
        try:
            yield connection
        finally:
            await connection.close()


_numbers = itertools.count(1)


@contextmanager
def postgres_storage(server: Server) -> Iterator[PostgresStorage]:
    """Give a test a database of its own."""
    name = f"relay_{next(_numbers)}"
    server.sql(f"CREATE DATABASE {name}")
    try:
        yield PostgresStorage(server.url(name))
    finally:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")
