"""Databases with a past, made within minutes: the real store makes the schema, SQL makes the rows.

Times, ids and keys are as the relay makes them. The keys are those of a source without a `key` of its own: digests, so
that each of them falls anywhere in the index, which is what hurts.
"""

import asyncio
import os
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from relay.store.sqlite.store import SqliteStore
from tests.benchmarks.benchmark import NotMeasured

CHUNK_EVENTS = 100_000  # between two of them the filling can be stopped
CACHE_KIB = 1024 * 1024
FREE_BYTES_KEPT = 2 * 1024**3  # beside what is filled in
ROW_BYTES = 800  # of an event, without its body: all its rows and their indexes
DELIVERY_BYTES = 300  # with its attempt
DAY_MS = 24 * 60 * 60 * 1000
SOURCE = "shop"


@dataclass(frozen=True, slots=True)
class Filling:
    """What to fill in. targets: each gets a delivery of every event.

    oldest_days, newest_days: between when they were received, ago. window_days: until when their keys live, from then.
    is_finished: whether the deliveries are delivered, with an attempt each, or pending and due.
    """

    events: int
    targets: tuple[str, ...] = ()
    is_finished: bool = True
    body_bytes: int = 16
    oldest_days: float = 6.0
    newest_days: float = 0.1
    window_days: float = 7.0

    @property
    def bytes_about(self) -> int:
        """Return about how much room it takes."""
        return self.events * (ROW_BYTES + self.body_bytes + DELIVERY_BYTES * len(self.targets))


async def fill(database: Path, filling: Filling) -> None:
    """Make a database, unless it is there. Errors: NotMeasured, where the disk has no room for it."""
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    _require_room(database.parent, filling.bytes_about)
    unfinished = database.with_suffix(".filling")
    await _make_schema(unfinished)
    connection = sqlite3.connect(unfinished, isolation_level=None, check_same_thread=False)
    try:
        await _fill_in(connection, filling)
    finally:
        connection.close()
    await asyncio.to_thread(_sync, unfinished)
    unfinished.rename(database)


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + FREE_BYTES_KEPT:
        raise NotMeasured(f"the disk has {free / 1e9:.1f} GB free; {(needed + FREE_BYTES_KEPT) / 1e9:.1f} are needed")


async def _make_schema(path: Path) -> None:
    store = SqliteStore(path, "filling")
    await store.open()
    await store.close()


async def _fill_in(connection: sqlite3.Connection, filling: Filling) -> None:
    connection.create_function("new_id", 1, lambda ms: f"evt_{ms:012x}{os.urandom(10).hex()}")
    for setting in (f"cache_size = -{CACHE_KIB}", "synchronous = OFF", "journal_mode = OFF"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    now_ms = int(time.time() * 1000)
    for first in range(0, filling.events, CHUNK_EVENTS):
        count = min(CHUNK_EVENTS, filling.events - first)
        await asyncio.to_thread(_fill_chunk, connection, filling, first, count, now_ms)
    _tell_lanes(connection, filling)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()


def _fill_chunk(connection: sqlite3.Connection, filling: Filling, first: int, count: int, now_ms: int) -> None:
    """Fill in events `first` to `first + count`, and all that hangs on them."""
    oldest_ms = now_ms - filling.oldest_days * DAY_MS
    given = {
        "first": first + 1,
        "last": first + count,
        "oldest": int(oldest_ms),
        "step": (filling.oldest_days - filling.newest_days) * DAY_MS / filling.events,
        "window": int(filling.window_days * DAY_MS),
        "source": SOURCE,
        "body": b"x" * filling.body_bytes,
    }
    connection.execute("BEGIN")
    for statement in (EVENTS, KEYS, CONTENTS):
        connection.execute(statement, given)
    for target in filling.targets:
        more = {**given, "target": target, "route": f"{SOURCE}→{target}"}
        connection.execute(DELIVERED if filling.is_finished else PENDING, more)
    if filling.targets and filling.is_finished:
        connection.execute(ATTEMPTS, given)
    connection.execute("COMMIT")


def _tell_lanes(connection: sqlite3.Connection, filling: Filling) -> None:
    unfinished = 0 if filling.is_finished else filling.events
    connection.executemany(
        "INSERT INTO lanes (target, unfinished) VALUES (?, ?)", [(target, unfinished) for target in filling.targets]
    )


def _sync(path: Path) -> None:
    """Have it on disk now, so that nothing of it is written while something is measured."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


EVENTS = """
    WITH RECURSIVE
        number (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM number WHERE n < :last),
        dated (n, ms) AS (SELECT n, :oldest + CAST(n * :step AS INTEGER) FROM number)
    INSERT INTO events (seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts)
    SELECT n, new_id(ms), :source, 'unknown', CAST('body:' || lower(hex(randomblob(32))) AS BLOB), ms + :window, ms,
        length(:body), '[]'
    FROM dated"""
KEYS = """
    INSERT INTO dedupe_keys (source, key, event_seq, event_id, expires_at)
    SELECT source, key, seq, id, key_expires_at FROM events WHERE seq BETWEEN :first AND :last"""
CONTENTS = """
    INSERT INTO contents (event_seq, headers, body)
    SELECT seq, CAST('[["Content-Type","application/json"]]' AS BLOB), :body
    FROM events WHERE seq BETWEEN :first AND :last"""
PENDING = """
    INSERT INTO deliveries (event_seq, route, target, status, planned_at, due_at, deadline_at)
    SELECT seq, :route, :target, 'pending', received_at, received_at, received_at + 30 * 86400000
    FROM events WHERE seq BETWEEN :first AND :last"""
DELIVERED = """
    INSERT INTO deliveries
        (event_seq, route, target, status, attempts, planned_at, due_at, deadline_at, finished_at, reason)
    SELECT seq, :route, :target, 'delivered', 1, received_at, received_at, received_at + 3 * 86400000,
        received_at + 20, 'accepted'
    FROM events WHERE seq BETWEEN :first AND :last"""
ATTEMPTS = """
    INSERT INTO attempts (delivery_id, number, started_at, duration_ms, outcome, status, detail, excerpt)
    SELECT id, 1, planned_at, 20.0, 'accepted', 200, '', CAST('ok' AS BLOB)
    FROM deliveries WHERE event_seq BETWEEN :first AND :last"""
