"""What an operator does to deliveries. Times in milliseconds."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from relay.store.sqlite.accepting import start_delivery_anew
from relay.store.sqlite.batches import chunks, marks, tally
from relay.store.sqlite.carrying import let_next_go
from relay.store.sqlite.columns import NEVER_MS
from relay.store.tallying import Change

CANCELLED = "cancelled by an operator"
MOVED = "cancelled: it was to be moved to a target that its event goes to already"


class Move(NamedTuple):
    """Pending deliveries that are to leave a target: for another, or for good where that is None."""

    target: str
    other: str | None
    now: int
    limit: int


def retry(connection: sqlite3.Connection, wishes: Sequence[tuple[int, int]]) -> list[str | None]:
    """Have deliveries sent at once; return how each stood."""
    return [_retry(connection, delivery_id, now) for delivery_id, now in wishes]


def _retry(connection: sqlite3.Connection, delivery_id: int, now: int) -> str | None:
    row = connection.execute("SELECT status FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        return None
    status = str(row[0])
    if status == "pending":
        connection.execute(
            "UPDATE deliveries SET due_at = min(due_at, ?) WHERE id = ? AND due_at < ?", (now, delivery_id, NEVER_MS)
        )
    elif status != "sending":
        start_delivery_anew(connection, delivery_id, now)
    return status


def cancel(connection: sqlite3.Connection, wishes: Sequence[tuple[int, int]]) -> list[str | None]:
    """Have deliveries never sent; return how each stood."""
    return [_cancel(connection, delivery_id, now) for delivery_id, now in wishes]


def _cancel(connection: sqlite3.Connection, delivery_id: int, now: int) -> str | None:
    row = connection.execute("SELECT status FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        return None
    if row[0] in ("pending", "dead"):
        _cancel_all(connection, [delivery_id], now, CANCELLED)
    return str(row[0])


def clear(connection: sqlite3.Connection, moves: Sequence[Move]) -> list[int]:
    """Cancel pending deliveries of targets, or give them to others; tell how many each time."""
    return [_clear(connection, move) for move in moves]


def _clear(connection: sqlite3.Connection, move: Move) -> int:
    ids = [
        number
        for (number,) in connection.execute(
            "SELECT id FROM deliveries WHERE status = 'pending' AND target = ? ORDER BY id LIMIT ?",
            (move.target, move.limit),
        )
    ]
    kept = [] if move.other is None else _movable(connection, ids, move.other)
    _cancel_all(connection, sorted(set(ids) - set(kept)), move.now, CANCELLED if move.other is None else MOVED)
    if move.other is not None:
        _give(connection, kept, move.other, move)
    return len(ids)


def _movable(connection: sqlite3.Connection, ids: Sequence[int], other: str) -> list[int]:
    """Leave out those whose event goes to the other target already."""
    return [
        number
        for chunk in chunks(ids)
        for (number,) in connection.execute(
            f"""
            SELECT d.id FROM deliveries d WHERE d.id IN ({marks(len(chunk))}) AND NOT EXISTS
                (SELECT 1 FROM deliveries o WHERE o.event_seq = d.event_seq AND o.target = ?)""",
            (*chunk, other),
        )
    ]


def _give(connection: sqlite3.Connection, ids: Sequence[int], other: str, move: Move) -> None:
    values = {value for number in ids if (value := _order_value(connection, number)) is not None}
    connection.executemany(
        """
        UPDATE deliveries
        SET target = :other, order_value = NULL, attempts_before = attempts, due_at = :now,
            deadline_at = :now + deadline_at - planned_at, planned_at = :now
        WHERE id = :id""",
        [{"other": other, "now": move.now, "id": number} for number in ids],
    )
    tally(connection, (change for _ in ids for change in (Change(move.target, -1, 0), Change(other, 1, 0))))
    for value in sorted(values):
        let_next_go(connection, move.target, value, move.now)


def _order_value(connection: sqlite3.Connection, delivery_id: int) -> str | None:
    (value,) = connection.execute("SELECT order_value FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    return None if value is None else str(value)


def _cancel_all(connection: sqlite3.Connection, ids: Iterable[int], now: int, reason: str) -> None:
    for delivery_id in ids:
        target, order_value, status = connection.execute(
            "SELECT target, order_value, status FROM deliveries WHERE id = ?", (delivery_id,)
        ).fetchone()
        connection.execute(
            "UPDATE deliveries SET status = 'cancelled', finished_at = ?, reason = ? WHERE id = ?",
            (now, reason, delivery_id),
        )
        tally(connection, [Change(target, -(status == "pending"), -(status == "dead"))])
        if order_value is not None and status == "pending":
            let_next_go(connection, target, order_value, now)
