"""Targets held: by their breaker, or by their operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from relay.store.postgres.dialling import Connection


class BreakerChange(NamedTuple):
    """A breaker as JSON, as it was and as it is now."""

    target: str
    before: str
    after: str
    is_tripped: bool
    now: datetime


async def note_breaker(connection: Connection, changes: Sequence[BreakerChange]) -> list[str | None]:
    """Change breakers that stand as told; return what stands instead where one does not, and None where it did."""
    return [await _note_breaker(connection, change) for change in changes]


async def _note_breaker(connection: Connection, change: BreakerChange) -> str | None:
    stands = str(await connection.fetchval(_KNOW, change.target))
    if stands != change.before:
        return stands
    await connection.execute(_CHANGE, change.target, change.after, change.is_tripped)
    await _mark(connection, change.target, change.now)
    return None


async def pause(connection: Connection, wishes: Sequence[tuple[str, bool, datetime]]) -> list[None]:
    """Hold targets' deliveries, or let them go on."""
    for target, is_paused, now in wishes:
        await connection.execute(_KNOW, target)
        await connection.execute("UPDATE lanes SET is_paused = $2 WHERE target = $1", target, is_paused)
        await _mark(connection, target, now)
    return [None] * len(wishes)


async def _mark(connection: Connection, target: str, now: datetime) -> None:
    """Begin or end the target's hold, as its lane, which this transaction has locked, now says."""
    await connection.execute(_BEGIN, target, now)
    await connection.execute(_END, target, now)


_KNOW = """
    INSERT INTO lanes (target) VALUES ($1)
    ON CONFLICT (target) DO UPDATE SET target = excluded.target RETURNING breaker"""  # locks it
_CHANGE = "UPDATE lanes SET breaker = $2, is_tripped = $3 WHERE target = $1"
_BEGIN = """
    INSERT INTO holds (target, began_at)
    SELECT target, $2 FROM lanes WHERE target = $1 AND (is_paused OR is_tripped)
        AND NOT EXISTS (SELECT FROM holds WHERE target = $1 AND ended_at IS NULL)"""
_END = """
    UPDATE holds SET ended_at = greatest($2, began_at) WHERE target = $1 AND ended_at IS NULL
        AND NOT EXISTS (SELECT FROM lanes WHERE target = $1 AND (is_paused OR is_tripped))"""
