"""Targets held: by their breaker, or by their operator. Times in milliseconds."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple


class BreakerChange(NamedTuple):
    """A breaker as JSON, as it was and as it is now."""

    target: str
    before: str
    after: str
    is_tripped: bool


def note_breaker(connection: sqlite3.Connection, changes: Sequence[tuple[BreakerChange, int]]) -> list[str | None]:
    """Change breakers that stand as told; return what stands instead where one does not, and None where it did."""
    return [_note_breaker(connection, change, now) for change, now in changes]


def _note_breaker(connection: sqlite3.Connection, change: BreakerChange, now: int) -> str | None:
    _know(connection, change.target)
    (stands,) = connection.execute("SELECT breaker FROM lanes WHERE target = ?", (change.target,)).fetchone()
    if stands != change.before:
        return str(stands)
    connection.execute(
        "UPDATE lanes SET breaker = ?, is_tripped = ? WHERE target = ?",
        (change.after, change.is_tripped, change.target),
    )
    _mark(connection, change.target, now)
    return None


def pause(connection: sqlite3.Connection, wishes: Sequence[tuple[str, bool, int]]) -> list[None]:
    """Hold targets' deliveries, or let them go on."""
    for target, is_paused, now in wishes:
        _know(connection, target)
        connection.execute("UPDATE lanes SET is_paused = ? WHERE target = ?", (is_paused, target))
        _mark(connection, target, now)
    return [None] * len(wishes)


def _know(connection: sqlite3.Connection, target: str) -> None:
    connection.execute("INSERT OR IGNORE INTO lanes (target) VALUES (?)", (target,))


def _mark(connection: sqlite3.Connection, target: str, now: int) -> None:
    """Begin or end the target's hold, as its lane now says."""
    connection.execute(
        """
        INSERT INTO holds (target, began_at)
        SELECT target, :now FROM lanes WHERE target = :target AND (is_paused OR is_tripped)
            AND NOT EXISTS (SELECT 1 FROM holds WHERE target = :target AND ended_at IS NULL)""",
        {"now": now, "target": target},
    )
    connection.execute(
        """
        UPDATE holds SET ended_at = max(:now, began_at) WHERE target = :target AND ended_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM lanes WHERE target = :target AND (is_paused OR is_tripped))""",
        {"now": now, "target": target},
    )
