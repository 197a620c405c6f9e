"""Keeping the file small and proving that it can be written."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from relay.store.choosing import within
from relay.store.sqlite.batches import chunks, marks, tally
from relay.store.tallying import Change

FREE_PAGES_KEPT = 1024  # for what comes next: only what is free beyond them goes back to the disk
PAGES_A_STEP = 512


class Purge(NamedTuple):
    """What `purge` was asked. Times in milliseconds."""

    before: int
    now: int
    limit: int
    bytes_max: int


def purge(connection: sqlite3.Connection, wishes: Sequence[Purge]) -> list[bool]:
    """Drop finished events of before a time, and keys past their window; give space back."""
    return [_purge(connection, wish) for wish in wishes]


def _purge(connection: sqlite3.Connection, wish: Purge) -> bool:
    keys = connection.execute(
        """
        DELETE FROM dedupe_keys WHERE rowid IN
        (SELECT rowid FROM dedupe_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)""",
        (wish.now, wish.limit),
    ).rowcount
    connection.execute("DELETE FROM holds WHERE ended_at < ?", (wish.before,))
    connection.execute("DELETE FROM grants WHERE at < ?", (wish.before,))  # of a target that has no rate any more
    seqs = within(_finished_before(connection, wish.before, wish.limit), wish.bytes_max)
    for chunk in chunks(seqs):
        _drop_events(connection, chunk)
    return bool(keys or seqs or _give_space_back(connection))


def _finished_before(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[int, int]]:
    """List old events with nothing left to deliver, as (number, size of the body). Ids begin with their time."""
    return connection.execute(
        """
        SELECT e.seq, e.body_bytes FROM events e WHERE e.id < ? AND NOT EXISTS
            (SELECT 1 FROM deliveries d WHERE d.event_seq = e.seq AND d.finished_at IS NULL)
        ORDER BY e.id LIMIT ?""",
        (f"evt_{before:012x}", limit),
    ).fetchall()


def _give_space_back(connection: sqlite3.Connection) -> bool:
    """Return some free pages to the disk; tell whether there were any. Called when nothing is left to drop."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free <= FREE_PAGES_KEPT:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_A_STEP})").fetchall()
    return True


def _drop_events(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    chosen = f"({marks(len(seqs))})"
    deliveries = connection.execute(
        f"SELECT id, target, status FROM deliveries WHERE event_seq IN {chosen}", seqs
    ).fetchall()
    connection.executemany("DELETE FROM attempts WHERE delivery_id = ?", [(row[0],) for row in deliveries])
    for table, column in (("deliveries", "event_seq"), ("contents", "event_seq"), ("events", "seq")):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN {chosen}", seqs)
    tally(connection, (Change(target, 0, -(status == "dead")) for _, target, status in deliveries))


def probe(connection: sqlite3.Connection, times: Sequence[int]) -> list[None]:
    """Write the time of the last probe."""
    connection.execute("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", (times[-1],))
    return [None] * len(times)
