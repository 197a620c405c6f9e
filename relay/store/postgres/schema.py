"""The database made ready: our schema created in it, or brought up to date."""

from collections.abc import Callable, Mapping

import asyncpg

from relay.errors import StoreUnusable
from relay.store.migrations import Applied, Change, Half, due, halves, steps_of
from relay.store.postgres.dialling import Connection, Server
from relay.store.postgres.failures import FAILURES, words_of
from relay.store.postgres.locks import STEPS, WORKER, lock
from relay.store.postgres.session import SCHEMA, connect
from relay.store.transfer import Mark

VERSION_NEEDED = 13
SETTINGS: Mapping[str, str] = {
    "search_path": SCHEMA,
    "application_name": "relay schema",
    "statement_timeout": "0",  # a step may take its time over much data
    "lock_timeout": "10s",  # who uses the tables meanwhile waits behind us: not for longer than that
}
ENGINE = "postgres"
SESSIONS, FRUGAL_SESSIONS = 8, 2  # `PostgresStore` has one for each purpose, or one beside that of its liveness


async def prepare(server: Server) -> None:
    """Create the schema or migrate it. A number of processes may do so at once: each step runs once.

    Errors: StoreUnusable, in one line: what is wrong with the server, the database, or its version; or that
    `relay migrate` has not finished to fill it.
    """
    mark = await bring_up_to_date(server)
    if mark is not None and not mark.is_finished:
        raise StoreUnusable(mark.refusal("the database"))


async def bring_up_to_date(server: Server) -> Mark | None:
    """Create the schema or migrate it; return what it says of the move that fills it. Errors: StoreUnusable."""
    connection = await connected(server)
    try:
        return await make_ready(connection)
    finally:
        await connection.close()


async def make_ready(connection: Connection) -> Mark | None:
    """Create the schema or migrate it, and return what it says of the move that fills it. Errors: StoreUnusable."""
    try:
        await _migrate(connection)
        return await mark_of(connection)
    except FAILURES as fault:
        raise StoreUnusable(f"the database cannot be made ready: {_why_not_ready(fault)}") from fault


async def connected(server: Server, settings: Mapping[str, str] = SETTINGS) -> Connection:
    """Connect to a server that can be used. Errors: StoreUnusable."""
    try:
        connection = await connect(server, settings)
    except FAILURES as fault:
        raise StoreUnusable(why_unusable(fault)) from fault
    try:
        require_version(connection.get_server_version().major)
    except StoreUnusable:
        await connection.close()
        raise
    return connection


def require_version(major: int) -> None:
    """Insist on a server that is new enough. Errors: StoreUnusable."""
    if major < VERSION_NEEDED:
        raise StoreUnusable(f"the server is PostgreSQL {major}; {VERSION_NEEDED} or newer is needed")


def why_unusable(fault: BaseException) -> str:
    """Say why there is no connection, and what would help."""
    match fault:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return f"the server does not let us in: {words_of(fault)}; look at the user and password in storage.url"
        case asyncpg.InvalidCatalogNameError():
            return f"{words_of(fault)}; create it first, owned by the user in storage.url"
        case asyncpg.TooManyConnectionsError():
            needed = f"{SESSIONS} connections more, as each relay needs, or {FRUGAL_SESSIONS}, as a command does"
            remedy = "raise its max_connections, or run fewer replicas"
            return f"the server has no room for {needed}: {words_of(fault)}; {remedy}"
        case _:
            return f"no server of storage.url can be used: {words_of(fault)}"


def _why_not_ready(fault: BaseException) -> str:
    """Say why our tables cannot be made or changed, and what would help."""
    match fault:
        case asyncpg.InsufficientPrivilegeError():
            needed = f"let the user in storage.url create a schema in it, or own one that is named {SCHEMA}"
            return f"{words_of(fault)}; {needed}"
        case asyncpg.LockNotAvailableError():
            return "another program keeps its tables locked, or is changing them; try again when that is over"
        case _:
            return words_of(fault)


async def _migrate(connection: Connection) -> None:
    async with connection.transaction():
        await lock(connection, STEPS)
        if await connection.fetchval("SELECT to_regnamespace($1) IS NULL", SCHEMA):  # else nothing must be allowed
            await connection.execute(f"CREATE SCHEMA {SCHEMA}")
        await connection.execute(_TABLE)
        for change in await pending(connection):
            await apply(connection, change)


async def pending(connection: Connection) -> tuple[Change, ...]:
    """List what is to be run. Errors: as `migrations.due`."""
    return due(steps_of(ENGINE), await applied(connection), await _older_alive(connection))


async def look(server: Server) -> tuple[Half, ...]:
    """Tell how the schema stands, and change nothing. Errors: StoreUnusable."""
    connection = await connected(server)
    try:
        is_there = await connection.fetchval("SELECT to_regclass('migrations')") is not None
        found = await applied(connection) if is_there else []
        return halves(steps_of(ENGINE), found, await _older_alive(connection))
    except FAILURES as fault:
        raise StoreUnusable(f"the database cannot be read: {words_of(fault)}") from fault
    finally:
        await connection.close()


async def finish_steps(connection: Connection) -> bool:
    """Run what waited for older programs to end; tell whether nothing waits any more. A few may be tried at once."""
    async with connection.transaction():
        await lock(connection, STEPS)
        older_alive = await _older_alive(connection)
        waiting = [
            half for half in halves(steps_of(ENGINE), await applied(connection), older_alive) if not half.is_applied
        ]
        for half in waiting:
            if half.waits_for is not None:
                return False
            await apply(connection, half.change)
    return True


async def _older_alive(connection: Connection) -> Callable[[int], str | None]:
    """Return what names a program that runs and does not know a step."""
    older = await oldest_alive(connection)
    return lambda step: older[1] if older and older[0] < step else None


async def applied(connection: Connection) -> list[Applied]:
    """List the steps that a database has."""
    rows = await connection.fetch("SELECT number, name, runs_with, is_finished FROM migrations ORDER BY number")
    return [Applied(*row) for row in rows]


async def mark_of(connection: Connection) -> Mark | None:
    """Return what a database of this version says of the move that fills it, or filled it."""
    row = await connection.fetchrow("SELECT origin, finished_at IS NOT NULL AS is_finished FROM moves")
    return Mark(row["origin"], row["is_finished"]) if row else None


async def apply(connection: Connection, change: Change) -> None:
    """Run a half of a step, in the transaction that is under way."""
    await connection.execute(change.script)
    await connection.execute(_NOTE, change.step.number, change.step.name, change.runs_with, change.finishes)


_TABLE = """
    CREATE TABLE IF NOT EXISTS migrations (
        number      integer PRIMARY KEY,
        name        text    NOT NULL,
        runs_with   integer NOT NULL,       -- the oldest program, by its last step, that can use the result
        is_finished boolean NOT NULL        -- false: its second half waits until no older program runs
    )"""

_NOTE = """
    INSERT INTO migrations (number, name, runs_with, is_finished) VALUES ($1, $2, $3, $4)
    ON CONFLICT (number) DO UPDATE SET runs_with = excluded.runs_with, is_finished = excluded.is_finished"""


async def oldest_alive(connection: Connection) -> tuple[int, str] | None:
    """Return the oldest program that uses the database, as (the last step it knows, its name)."""
    if await connection.fetchval("SELECT to_regclass('workers')") is None:
        return None
    row = await connection.fetchrow(_OLDEST, WORKER)
    return (row["schema_step"], row["name"]) if row else None


_OLDEST = """
    SELECT w.name, w.schema_step FROM workers w WHERE EXISTS (
        SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::int
            AND l.objid = w.lock_number
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY w.schema_step LIMIT 1"""
