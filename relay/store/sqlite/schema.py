"""The database file made ready: created, or its schema brought up to date."""

import re
import sqlite3
from importlib import resources
from pathlib import Path

from relay.errors import StoreUnusable
from relay.store.sqlite.connection import OF_A_NEW_FILE

VERSION_NEEDED = (3, 37, 0)  # STRICT tables; RETURNING and UPDATE … FROM are older


def prepare(path: Path, patience_s: float) -> None:
    """Create the database or migrate it. A number of processes may do so at once: each step runs once.

    Errors: StoreUnusable, where the file or its folder cannot be used as a database of this version.
    """
    if sqlite3.sqlite_version_info < VERSION_NEEDED:
        needed = ".".join(map(str, VERSION_NEEDED))
        raise StoreUnusable(f"this Python carries SQLite {sqlite3.sqlite_version}; {needed} or newer is needed")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds what others must not read; SQLite gives its other files the same mode
        connection = sqlite3.connect(path, timeout=patience_s, isolation_level=None)
        try:
            for setting in OF_A_NEW_FILE:
                connection.execute(setting)
            _require_wal(connection, path)
            _migrate(connection, path)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnusable(f"{path} cannot be opened as the relay's database: {error}") from error


def _require_wal(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreUnusable(f"{path}: its file system does not support SQLite's WAL mode; use a local disk")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    steps = migrations()
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"
        )
        done = {number for (number,) in connection.execute("SELECT number FROM migrations")}
        _refuse_newer(done - steps.keys(), path)
        for number in sorted(steps.keys() - done):
            name, script = steps[number]
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, name))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _refuse_newer(unknown: set[int], path: Path) -> None:
    if unknown:
        raise StoreUnusable(
            f"{path} was written by a newer version of the relay (its schema has step {max(unknown)}): "
            "run that version, or restore a backup from before the upgrade"
        )


def migrations() -> dict[int, tuple[str, str]]:
    """Return every migration by its number: (name, SQL)."""
    files = (file for file in resources.files("relay.store.migrations.sqlite").iterdir() if file.name.endswith(".sql"))
    return {int(file.name[:4]): (file.name.removesuffix(".sql"), file.read_text()) for file in files}


def _statements(script: str) -> list[str]:
    """Cut a script into statements; `executescript` would commit the transaction that must hold them all."""
    bare = re.sub(r"--[^\n]*", "", script)
    return [statement for part in bare.split(";") if (statement := part.strip())]
