"""From a configured database to its store. The driver of the other engine is never imported."""

import asyncio

from relay.clock import Clock
from relay.config import Database, PostgresDatabase, SqliteDatabase
from relay.store.migrations import Half
from relay.store.protocol import Store
from relay.store.transfer import Transfer

PATIENCE_S = 10.0  # of a command for the schema


def store_on(database: Database, worker: str, machine: Clock, *, is_frugal: bool = False) -> tuple[Store, Clock]:
    """Return the store of a database, not opened, and the clock of all who use it: the server's, where there is one.

    worker: this process's name on its leases. machine: this machine's clock. is_frugal: for a process that does one
    thing after another: a server that has few connections spares few for it.
    """
    match database:
        case SqliteDatabase(path):
            from relay.store.sqlite.store import SqliteStore  # noqa: PLC0415

            return SqliteStore(path, worker), machine
        case PostgresDatabase(url):
            from relay.store.postgres.servertime import ServerClock  # noqa: PLC0415
            from relay.store.postgres.store import PostgresStore  # noqa: PLC0415

            clock = ServerClock(machine)
            return PostgresStore(url.text(), worker, clock, is_frugal=is_frugal), clock


def transfer_of(database: Database, worker: str) -> Transfer:
    """Return a database as one that an installation is moved from, or to. worker: this process's name there."""
    match database:
        case SqliteDatabase(path):
            from relay.store.sqlite.transfer import SqliteTransfer  # noqa: PLC0415

            return SqliteTransfer(path, worker)
        case PostgresDatabase(url, shown):
            from relay.store.postgres.transfer import PostgresTransfer  # noqa: PLC0415

            return PostgresTransfer(url.text(), shown)


async def schema_of(database: Database) -> tuple[Half, ...]:
    """Tell how a database's schema stands, and change nothing. Errors: StoreUnusable."""
    match database:
        case SqliteDatabase(path):
            from relay.store.sqlite import schema as of_files  # noqa: PLC0415

            return await asyncio.to_thread(of_files.look, path, PATIENCE_S)
        case PostgresDatabase(url):
            from relay.store.postgres import schema as of_servers  # noqa: PLC0415
            from relay.store.postgres.dialling import Server  # noqa: PLC0415

            return await of_servers.look(Server(url.text(), PATIENCE_S))


async def bring_up_to_date(database: Database) -> None:
    """Run every step of the schema that can be run now. Errors: StoreUnusable."""
    match database:
        case SqliteDatabase(path):
            from relay.store.sqlite import schema as of_files  # noqa: PLC0415

            await asyncio.to_thread(of_files.bring_up_to_date, path, PATIENCE_S)
        case PostgresDatabase(url):
            from relay.store.postgres import schema as of_servers  # noqa: PLC0415
            from relay.store.postgres.dialling import Server  # noqa: PLC0415

            await of_servers.bring_up_to_date(Server(url.text(), PATIENCE_S))
