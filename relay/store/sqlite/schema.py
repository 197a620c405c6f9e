"""The database file made ready: created, or its schema brought up to date."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from relay.errors import StoreUnusable
from relay.store.migrations import Applied, Change, Half, due, halves, steps_of
from relay.store.sqlite.connection import OF_A_NEW_FILE
from relay.store.sqlite.liveness import WorkerLocks
from relay.store.transfer import Mark

VERSION_NEEDED = (3, 37, 0)  # STRICT tables; RETURNING and UPDATE … FROM are older


def prepare(path: Path, patience_s: float) -> None:
    """Create the database or migrate it. A number of processes may do so at once: each step runs once.

    Errors: StoreUnusable, where the file or its folder cannot be used as a database of this version, or where
    `relay migrate` has not finished to fill it.
    """
    with made_ready(path, patience_s) as connection:
        mark = mark_of(connection)
    if mark is not None and not mark.is_finished:
        raise StoreUnusable(mark.refusal(str(path)))


def bring_up_to_date(path: Path, patience_s: float) -> None:
    """Create the database or migrate it, whoever fills it. Errors: StoreUnusable."""
    with made_ready(path, patience_s):
        pass


@contextmanager
def made_ready(path: Path, patience_s: float) -> Iterator[sqlite3.Connection]:
    """Do as `bring_up_to_date`, and give a connection to what is ready then. Errors: StoreUnusable."""
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
            yield connection
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnusable(f"{path} cannot be opened as the relay's database: {error}") from error


def _require_wal(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreUnusable(f"{path}: its file system does not support SQLite's WAL mode; use a local disk")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_STEPS)
        _add_what_the_first_version_lacked(connection)
        for change in due(steps_of("sqlite"), applied(connection), lambda _: _another(path)):
            apply(connection, change)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


_STEPS = """
    CREATE TABLE IF NOT EXISTS migrations (
        number      INTEGER PRIMARY KEY,
        name        TEXT    NOT NULL,
        runs_with   INTEGER NOT NULL DEFAULT 0,     -- the oldest program, by its last step, that can use the result
        is_finished INTEGER NOT NULL DEFAULT 1      -- 0: its second half waits until no older program runs
    ) STRICT"""


def _add_what_the_first_version_lacked(connection: sqlite3.Connection) -> None:
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(migrations)")}
    for column, default in (("runs_with", 0), ("is_finished", 1)):
        if column not in columns:
            connection.execute(f"ALTER TABLE migrations ADD COLUMN {column} INTEGER NOT NULL DEFAULT {default}")


def look(path: Path, patience_s: float) -> tuple[Half, ...]:
    """Tell how a file's schema stands, and change nothing; one that is not there has none. Errors: StoreUnusable."""
    found: list[Applied] = []
    if path.exists():
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=patience_s)) as it:
                if it.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone():
                    found = applied(it)
        except sqlite3.Error as error:
            raise StoreUnusable(f"{path} cannot be read as the relay's database: {error}") from error
    return halves(steps_of("sqlite"), found, lambda _: _another(path))


def applied(connection: sqlite3.Connection) -> list[Applied]:
    """List the steps that a database has."""
    rows = connection.execute("SELECT number, name, runs_with, is_finished FROM migrations ORDER BY number")
    return [Applied(number, name, runs_with, bool(is_finished)) for number, name, runs_with, is_finished in rows]


def mark_of(connection: sqlite3.Connection) -> Mark | None:
    """Return what a database of this version says of the move that fills it, or filled it."""
    row = connection.execute("SELECT origin, finished_at IS NOT NULL FROM moves").fetchone()
    return Mark(row[0], bool(row[1])) if row else None


def apply(connection: sqlite3.Connection, change: Change) -> None:
    """Run a half of a step, in the transaction that is under way."""
    for statement in _statements(change.script):
        connection.execute(statement)
    connection.execute(
        "INSERT OR REPLACE INTO migrations (number, name, runs_with, is_finished) VALUES (?, ?, ?, ?)",
        (change.step.number, change.step.name, change.runs_with, change.finishes),
    )


def _another(path: Path) -> str | None:
    """Name another process that uses the database: on one machine all are restarted together, or one by one."""
    return next(iter(sorted(WorkerLocks(path).living())), None)


def _statements(script: str) -> list[str]:
    """Cut a script into statements; `executescript` would commit the transaction that must hold them all."""
    bare = re.sub(r"--[^\n]*", "", script)
    return [statement for part in bare.split(";") if (statement := part.strip())]
