"""From a configured database to its store. The driver of the other engine is never imported."""

from relay.config import Database, PostgresDatabase, SqliteDatabase
from relay.store.protocol import Store
from relay.store.transfer import Transfer


def store_on(database: Database, worker: str) -> Store:
    """Return the store of a database, not opened. worker: this process's name on its leases."""
    match database:
        case SqliteDatabase(path):
            from relay.store.sqlite.store import SqliteStore  # noqa: PLC0415

            return SqliteStore(path, worker)
        case PostgresDatabase(url):
            from relay.store.postgres.store import PostgresStore  # noqa: PLC0415

            return PostgresStore(url.text(), worker)


def transfer_of(database: Database, worker: str) -> Transfer:
    """Return a database as one that an installation is moved from, or to. worker: this process, where it writes."""
    match database:
        case SqliteDatabase(path):
            from relay.store.sqlite.transfer import SqliteTransfer  # noqa: PLC0415

            return SqliteTransfer(path, worker)
        case PostgresDatabase(url, shown):
            from relay.store.postgres.transfer import PostgresTransfer  # noqa: PLC0415

            return PostgresTransfer(url.text(), shown)
