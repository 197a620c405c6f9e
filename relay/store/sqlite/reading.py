"""Questions to the database that change nothing, on a connection of their own: readers never wait for the writer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import aiosqlite

from relay.domain import Attempt, DeliveryStatus, Hold
from relay.store.protocol import DeliveryRecord, EventRecord, LaneState
from relay.store.sqlite import rows
from relay.store.sqlite.columns import ATTEMPT, EVENT, NEVER_MS
from relay.store.sqlite.rows import from_ms, maybe_from_ms
from relay.store.texts import breaker_from_json, verdicts_from_json

Parameters = tuple[Any, ...] | dict[str, Any]


async def next_due(connection: aiosqlite.Connection, targets: Sequence[str]) -> dict[str, datetime]:
    """Tell when each target's next pending delivery is due: one seek in the partial index each."""
    due = {}
    for target in targets:
        ((first_ms,),) = await _all(connection, _FIRST_DUE, {"target": target, "never": NEVER_MS})
        if first_ms is not None:
            due[target] = from_ms(first_ms)
    return due


# Of those never tried, and of retries: a seek in the partial index each.
_FIRST_DUE = """
    SELECT min(due_at) FROM (
        SELECT * FROM (SELECT due_at FROM deliveries
            WHERE status = 'pending' AND target = :target AND (attempts > attempts_before) = 0 AND due_at < :never
            ORDER BY due_at LIMIT 1)
        UNION ALL
        SELECT * FROM (SELECT due_at FROM deliveries
            WHERE status = 'pending' AND target = :target AND (attempts > attempts_before) = 1 AND due_at < :never
            ORDER BY due_at LIMIT 1))"""


async def lanes(connection: aiosqlite.Connection) -> dict[str, LaneState]:
    """Tell each lane's numbers, and the age of what waits longest."""
    states = {}
    for target, unfinished, dead, is_paused, breaker in await _all(connection, _LANES, ()):
        oldest = await _first(
            connection,
            "SELECT planned_at FROM deliveries WHERE status = 'pending' AND target = ? ORDER BY id LIMIT 1",
            (target,),
        )
        states[target] = LaneState(
            unfinished,
            dead,
            from_ms(oldest[0]) if oldest else None,
            bool(is_paused),
            breaker_from_json(breaker),
        )
    return states


_LANES = "SELECT target, unfinished, dead, is_paused, breaker FROM lanes"


async def holds(connection: aiosqlite.Connection, target: str) -> tuple[Hold, ...]:
    """Tell when a target's deliveries were held, in order of time."""
    found = await _all(connection, "SELECT began_at, ended_at FROM holds WHERE target = ? ORDER BY began_at", (target,))
    return tuple(Hold(from_ms(began_at), maybe_from_ms(ended_at)) for began_at, ended_at in found)


async def leaseholders(connection: aiosqlite.Connection) -> set[str]:
    """List the workers that hold a lease."""
    return {worker for (worker,) in await _all(connection, _LEASEHOLDERS, ())}


# The next larger name, again and again: a seek for each worker, however many leases each of them holds.
_LEASEHOLDERS = """
    WITH RECURSIVE holder (name) AS (
        SELECT min(leased_by) FROM deliveries WHERE status = 'sending'
        UNION ALL
        SELECT (SELECT min(leased_by) FROM deliveries WHERE status = 'sending' AND leased_by > name)
        FROM holder WHERE name IS NOT NULL)
    SELECT name FROM holder WHERE name IS NOT NULL"""


async def event(connection: aiosqlite.Connection, event_id: str) -> EventRecord | None:
    """Return an event's whole story."""
    row = await _first(
        connection,
        f"""
        SELECT {EVENT}, e.seq, e.verdicts
        FROM events e JOIN contents c ON c.event_seq = e.seq WHERE e.id = ?""",
        (event_id,),
    )
    if row is None:
        return None
    *columns, seq, verdicts = row
    deliveries = await _deliveries(connection, seq)
    return EventRecord(rows.event_from(tuple(columns)), verdicts_from_json(verdicts), deliveries)


async def event_ids(connection: aiosqlite.Connection, after: str, limit: int) -> list[str]:
    """List the ids that follow one: a walk along their index."""
    found = await _all(connection, "SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [event_id for (event_id,) in found]


async def _deliveries(connection: aiosqlite.Connection, seq: int) -> tuple[DeliveryRecord, ...]:
    found = await _all(
        connection,
        """
        SELECT id, target, route, status, due_at, finished_at, reason, attempts_before FROM deliveries
        WHERE event_seq = ? ORDER BY id""",
        (seq,),
    )
    return tuple([await _delivery(connection, row) for row in found])


async def _delivery(connection: aiosqlite.Connection, row: tuple[Any, ...]) -> DeliveryRecord:
    delivery_id, target, route, status, due_at, finished_at, reason, attempts_before = row
    return DeliveryRecord(
        delivery_id,
        target,
        route,
        DeliveryStatus(status),
        await _attempts(connection, delivery_id),
        from_ms(due_at) if finished_at is None and due_at < NEVER_MS else None,
        maybe_from_ms(finished_at),
        reason,
        attempts_before,
    )


async def _attempts(connection: aiosqlite.Connection, delivery_id: int) -> tuple[Attempt, ...]:
    found = await _all(
        connection,
        f"SELECT {ATTEMPT} FROM attempts WHERE delivery_id = ? ORDER BY number",
        (delivery_id,),
    )
    return tuple(rows.attempt_from(row) for row in found)


async def _all(connection: aiosqlite.Connection, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]


async def _first(connection: aiosqlite.Connection, sql: str, parameters: Parameters) -> tuple[Any, ...] | None:
    found = await _all(connection, sql, parameters)
    return found[0] if found else None
