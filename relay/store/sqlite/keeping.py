"""Keeping the file small and proving that it can be written."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from relay.domain import DeliveryStatus
from relay.store.sqlite.batches import Change, chunks, marks, tally
from relay.store.sqlite.rows import to_ms


def purge(connection: sqlite3.Connection, wishes: list[tuple[datetime, datetime, int]]) -> list[int]:
    """Drop finished events of before a time, and keys past their window; give the space back."""
    return [_purge(connection, *wish) for wish in wishes]


def _purge(connection: sqlite3.Connection, before: datetime, now: datetime, limit: int) -> int:
    keys = connection.execute(
        """
        DELETE FROM dedupe_keys WHERE rowid IN
        (SELECT rowid FROM dedupe_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)""",
        (to_ms(now), limit),
    ).rowcount
    seqs = [seq for (seq,) in connection.execute(_finished_before_sql(), (f"evt_{to_ms(before):012x}", limit))]
    for chunk in chunks(seqs):
        _drop_events(connection, chunk)
    if keys or seqs:
        connection.execute(f"PRAGMA incremental_vacuum({8 * limit})").fetchall()
    return keys + len(seqs)


def _finished_before_sql() -> str:
    return """
        SELECT e.seq FROM events e WHERE e.id < ? AND NOT EXISTS
            (SELECT 1 FROM deliveries d WHERE d.event_seq = e.seq AND d.finished_at IS NULL)
        ORDER BY e.id LIMIT ?"""


def _drop_events(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    chosen = f"({marks(len(seqs))})"
    deliveries = connection.execute(
        f"SELECT id, target, status FROM deliveries WHERE event_seq IN {chosen}", seqs
    ).fetchall()
    connection.executemany("DELETE FROM attempts WHERE delivery_id = ?", [(row[0],) for row in deliveries])
    for table, column in (("deliveries", "event_seq"), ("contents", "event_seq"), ("events", "seq")):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN {chosen}", seqs)
    tally(connection, (Change(target, 0, -(status == DeliveryStatus.DEAD)) for _, target, status in deliveries))


def probe(connection: sqlite3.Connection, times: list[datetime]) -> list[None]:
    """Write the time of the last probe."""
    connection.execute("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", (to_ms(times[-1]),))
    return [None] * len(times)
