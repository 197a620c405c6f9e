"""Questions to the database that change nothing."""

from collections.abc import Sequence
from datetime import datetime

from relay.domain import DeliveryStatus, Hold
from relay.store.postgres import bodies
from relay.store.postgres.days import existing
from relay.store.postgres.dialling import Connection
from relay.store.postgres.numbers import Stretch, span, span_of, span_of_days, span_of_event, weeks
from relay.store.postgres.rows import ATTEMPT, EVENT, NEVER, Record, attempt_from, event_from, its_event
from relay.store.postgres.unfinished import Unfinished
from relay.store.protocol import DeliveryRecord, EventRecord, LaneState, Settlement
from relay.store.texts import breaker_from_json, verdicts_from_json


async def next_due(connection: Connection, targets: Sequence[str], days: Unfinished) -> dict[str, datetime]:
    """Tell when each target's next pending delivery is due: of those never tried, and of retries, a seek each."""
    rows = await connection.fetch(_next_due(days), list(targets), NEVER)
    return {row["target"]: row["due_at"] for row in rows if row["due_at"] is not None}


def _next_due(days: Unfinished) -> str:
    return f"""
    SELECT t.target, least(
        (SELECT d.due_at FROM deliveries d
            WHERE d.status = 'pending' AND d.attempts <= d.attempts_before AND d.target = t.target AND d.due_at < $2
                AND {days.has("d.id")}
            ORDER BY d.due_at LIMIT 1),
        (SELECT d.due_at FROM deliveries d
            WHERE d.status = 'pending' AND d.attempts > d.attempts_before AND d.target = t.target AND d.due_at < $2
                AND {days.has("d.id")}
            ORDER BY d.due_at LIMIT 1)) AS due_at
    FROM unnest($1::text[]) AS t (target)"""


async def lanes(connection: Connection, days: Unfinished) -> dict[str, LaneState]:
    """Tell each lane's numbers, and the age of what waits longest."""
    return {
        row["target"]: LaneState(
            max(0, int(row["unfinished"])),
            max(0, int(row["dead"])),
            row["oldest_at"],
            bool(row["is_paused"]),
            breaker_from_json(row["breaker"] or ""),
        )
        for row in await connection.fetch(_lanes(days))
    }


def _lanes(days: Unfinished) -> str:
    return f"""
    SELECT target, coalesce(c.unfinished, 0) AS unfinished, coalesce(c.dead, 0) AS dead, l.is_paused, l.breaker,
        (SELECT d.planned_at FROM deliveries d
            WHERE d.status = 'pending' AND d.target = coalesce(l.target, c.target) AND {days.has("d.id")}
            ORDER BY d.id LIMIT 1) AS oldest_at
    FROM lanes l FULL JOIN (
        SELECT target, sum(unfinished) AS unfinished, sum(dead) AS dead FROM lane_counts GROUP BY target) AS c
        USING (target)"""


async def holds(connection: Connection, target: str) -> tuple[Hold, ...]:
    """Tell when a target's deliveries were held, in order of time."""
    found = await connection.fetch("SELECT began_at, ended_at FROM holds WHERE target = $1 ORDER BY began_at", target)
    return tuple(Hold(row["began_at"], row["ended_at"]) for row in found)


async def leaseholders(connection: Connection, days: Unfinished) -> set[str]:
    """List the workers that hold a lease."""
    return {row["name"] for row in await connection.fetch(_leaseholders(days))}


def _leaseholders(days: Unfinished) -> str:
    """Return what asks for the next larger name, again and again: a seek for each, however many leases it holds."""
    return f"""
    WITH RECURSIVE holder (name) AS (
        (SELECT leased_by FROM deliveries WHERE status = 'sending' AND {days.has("id")} ORDER BY leased_by LIMIT 1)
        UNION ALL
        SELECT (SELECT leased_by FROM deliveries WHERE status = 'sending' AND leased_by > name AND {days.has("id")}
            ORDER BY leased_by LIMIT 1)
        FROM holder WHERE name IS NOT NULL)
    SELECT name FROM holder WHERE name IS NOT NULL"""


async def left_behind(
    connection: Connection, worker: str, now: datetime | None, days: Unfinished, limit: int
) -> list[tuple[int, int]]:
    """List what a worker left, as (delivery, size of its body). now: None where all of its leases are free."""
    found = await connection.fetch(_left(days), worker, now, limit)
    return [(row["id"], row["body_bytes"]) for row in found]


def _left(days: Unfinished) -> str:
    return f"""
    SELECT d.id, e.body_bytes FROM deliveries d {its_event(days)}
    WHERE d.status = 'sending' AND d.leased_by = $1 AND {days.has("d.id")} AND ($2::timestamptz IS NULL OR (
        d.leased_until <= $2 AND NOT EXISTS (SELECT FROM workers w WHERE w.name = $1 AND w.renewed_until > $2)))
    ORDER BY d.leased_until LIMIT $3"""


async def leased_by(connection: Connection, worker: str, days: Unfinished) -> dict[tuple[int, int], str]:
    """List what a worker holds: the target of each (delivery, attempt)."""
    found = await connection.fetch(_leased_by(days), worker)
    return {(row["id"], row["attempts"]): row["target"] for row in found}


def _leased_by(days: Unfinished) -> str:
    return f"""
    SELECT id, attempts, target FROM deliveries WHERE status = 'sending' AND leased_by = $1 AND {days.has("id")}"""


async def is_settled(connection: Connection, settlement: Settlement) -> bool:
    """Tell whether a delivery stands as a settlement says, and nobody has taken it since."""
    delivery, status = settlement.delivery, settlement.status.value
    statement = _is_settled(span_of([delivery.id]))
    return bool(await connection.fetchval(statement, delivery.id, delivery.attempt, status, settlement.due_at))


def _is_settled(days: Stretch) -> str:
    return f"""
    SELECT EXISTS (SELECT FROM deliveries WHERE id = $1 AND {days.has("id")} AND attempts = $2 AND status = $3
        AND due_at = coalesce($4, due_at))"""


async def event(connection: Connection, event_id: str) -> EventRecord | None:
    """Return an event's whole story. Its id says in which day it is."""
    day = span_of_event(event_id)
    row = await connection.fetchrow(_event(day), event_id)
    if row is None:
        return None
    large = await bodies.load(connection, [(row["seq"], row["body_bytes"])])
    deliveries = await connection.fetch(_deliveries(day), row["seq"])
    attempts: dict[int, list[Record]] = {}
    for attempt in await connection.fetch(_attempts(day), [each["id"] for each in deliveries]):
        attempts.setdefault(attempt["delivery_id"], []).append(attempt)
    told = tuple(_delivery_from(each, attempts.get(each["id"], [])) for each in deliveries)
    return EventRecord(event_from(row, large.get(row["seq"])), verdicts_from_json(row["verdicts"]), told)


async def event_ids(connection: Connection, after: str, limit: int) -> list[str]:
    """List the ids that follow one, from the day on that it is of."""
    found: list[str] = []
    first = span_of_event(after).first
    for week in weeks(day for day in await existing(connection) if span(day).end > first):
        if len(found) < limit:
            rows = await connection.fetch(_event_ids(span_of_days(week)), after, limit - len(found))
            found += [row["id"] for row in rows]
    return found


def _event_ids(days: Stretch) -> str:
    return f"SELECT id FROM events WHERE id > $1 AND {days.has('seq')} ORDER BY id LIMIT $2"


def _event(days: Stretch) -> str:
    return f"""
    SELECT {EVENT}, e.seq, e.verdicts FROM events e JOIN contents c ON c.event_seq = e.seq AND {days.has("c.event_seq")}
    WHERE e.id = $1 AND {days.has("e.seq")}"""


def _deliveries(days: Stretch) -> str:
    return f"""
    SELECT id, target, route, status, due_at, finished_at, reason, attempts_before FROM deliveries
    WHERE event_seq = $1 AND {days.has("id")} ORDER BY id"""


def _attempts(days: Stretch) -> str:
    return f"""
    SELECT delivery_id, {ATTEMPT} FROM attempts
    WHERE delivery_id = ANY ($1) AND {days.has("delivery_id")} ORDER BY delivery_id, number"""


def _delivery_from(row: Record, attempts: Sequence[Record]) -> DeliveryRecord:
    return DeliveryRecord(
        row["id"],
        row["target"],
        row["route"],
        DeliveryStatus(row["status"]),
        tuple(map(attempt_from, attempts)),
        row["due_at"] if row["finished_at"] is None and row["due_at"] < NEVER else None,
        row["finished_at"],
        row["reason"],
        row["attempts_before"],
    )
