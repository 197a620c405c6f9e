"""Opening the database file, with every setting in one place."""

import sqlite3
from pathlib import Path

SETTINGS = (
    "PRAGMA journal_mode = WAL",  # readers never wait for the writer
    "PRAGMA synchronous = FULL",  # a commit is on disk when it returns: promise 1
    "PRAGMA foreign_keys = OFF",  # the writer keeps references by construction; checking them costs a lookup a row
    "PRAGMA wal_autocheckpoint = 16000",  # pages: `checkpoints` is there long before, but may never get to the end
    "PRAGMA journal_size_limit = 67108864",  # a burst of large bodies does not leave a large WAL behind
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",  # KiB: the hot ends of the indexes stay in memory
)

STATEMENTS_KEPT = 512  # compiled: those of many rows in each of their sizes, and the rest

OF_A_NEW_FILE = (
    "PRAGMA page_size = 8192",  # most webhooks fit into one: fewer pages to write at a commit
    "PRAGMA auto_vacuum = INCREMENTAL",  # what retention frees goes back to the disk, step by step
)


def connect(path: Path, patience_s: float) -> sqlite3.Connection:
    """Open the database in autocommit mode: transactions are begun by name.

    patience_s: how long a statement waits for another program's lock.
    """
    connection = sqlite3.connect(
        path,
        timeout=patience_s,
        isolation_level=None,
        cached_statements=STATEMENTS_KEPT,
    )
    for setting in SETTINGS:
        connection.execute(setting)
    return connection
