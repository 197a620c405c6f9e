"""Deliveries on their way: leased, given back, settled."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from relay.domain import Delivery, DeliveryStatus, Event, Lease
from relay.store.protocol import Settlement
from relay.store.sqlite import rows
from relay.store.sqlite.batches import Change, chunks, flat, insert_or_replace, tally, tuples
from relay.store.sqlite.rows import maybe_to_ms, to_ms


@dataclass(frozen=True, slots=True)
class Claim:
    """What `claim` was asked."""

    target: str
    lease: Lease
    now: datetime
    limit: int
    bytes_max: int


def claim(connection: sqlite3.Connection, claims: list[Claim]) -> list[list[Delivery]]:
    """Lease due deliveries, lane by lane."""
    return [_claim(connection, wanted) for wanted in claims]


def _claim(connection: sqlite3.Connection, wanted: Claim) -> list[Delivery]:
    due = connection.execute(
        """
        SELECT d.id, e.body_bytes FROM deliveries d JOIN events e ON e.seq = d.event_seq
        WHERE d.status = 'pending' AND d.target = ? AND d.due_at <= ?
        ORDER BY d.due_at, d.id LIMIT ?""",
        (wanted.target, to_ms(wanted.now), wanted.limit),
    ).fetchall()
    ids = within(due, wanted.bytes_max)
    connection.executemany(
        """
        UPDATE deliveries SET status = 'sending', attempts = attempts + 1, leased_by = ?, leased_until = ?
        WHERE id = ?""",
        [(wanted.lease.worker, to_ms(wanted.lease.until), delivery_id) for delivery_id in ids],
    )
    return load(connection, ids)


def within(due: Iterable[tuple[int, int]], bytes_max: int) -> list[int]:
    """Take deliveries while their bodies fit, and the first whatever its size."""
    ids: list[int] = []
    total = 0
    for delivery_id, body_bytes in due:
        total += body_bytes
        if ids and total > bytes_max:
            break
        ids.append(delivery_id)
    return ids


def load(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Delivery]:
    """Read deliveries with their events, in the order of `ids`; an event that several share is read once."""
    events: dict[int, Event] = {}
    deliveries = []
    for delivery_id in ids:
        *row, seq = connection.execute(
            f"SELECT {rows.DELIVERY_COLUMNS}, d.event_seq FROM deliveries d WHERE d.id = ?", (delivery_id,)
        ).fetchone()
        if seq not in events:
            events[seq] = rows.event_from(
                connection.execute(
                    f"SELECT {rows.EVENT_COLUMNS} FROM events e JOIN contents c ON c.event_seq = e.seq WHERE e.seq = ?",
                    (seq,),
                ).fetchone()
            )
        deliveries.append(rows.delivery_from(tuple(row), events[seq]))
    return deliveries


def load_each(connection: sqlite3.Connection, wishes: list[Sequence[int]]) -> list[list[Delivery]]:
    """Read deliveries, list by list."""
    return [load(connection, ids) for ids in wishes]


def renew(connection: sqlite3.Connection, leases: list[Lease]) -> list[None]:
    """Prolong every lease of the workers named."""
    connection.executemany(
        "UPDATE deliveries SET leased_until = ? WHERE status = 'sending' AND leased_by = ?",
        [(to_ms(lease.until), lease.worker) for lease in leases],
    )
    return [None] * len(leases)


def release(connection: sqlite3.Connection, groups: list[Sequence[Delivery]]) -> list[None]:
    """Give back leases of which no attempt was begun."""
    connection.executemany(
        """
        UPDATE deliveries SET status = 'pending', attempts = attempts - 1, leased_by = NULL, leased_until = NULL
        WHERE id = ? AND attempts = ? AND status = 'sending'""",
        [(delivery.id, delivery.attempt) for group in groups for delivery in group],
    )
    return [None] * len(groups)


def settle(connection: sqlite3.Connection, settlements: list[Settlement]) -> list[bool]:
    """Apply results whose lease still holds, and record every attempt."""
    held = {delivery_id for chunk in chunks(settlements) for delivery_id in _apply(connection, chunk)}
    _record_attempts(connection, settlements)
    tally(connection, (_change(settlement) for settlement in settlements if settlement.delivery.id in held))
    return [settlement.delivery.id in held for settlement in settlements]


def _change(settlement: Settlement) -> Change:
    status = settlement.status
    return Change(settlement.delivery.target, -status.is_final, int(status is DeliveryStatus.DEAD))


def _apply(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> list[int]:
    """Write results; the attempt's number is the fence, since every claim counts it up."""
    values = [
        (s.delivery.id, s.delivery.attempt, s.status, maybe_to_ms(s.due_at), _finished_ms(s), _reason(s))
        for s in settlements
    ]
    return [delivery_id for (delivery_id,) in connection.execute(_apply_sql(len(values)), flat(values))]


@cache
def _apply_sql(count: int) -> str:
    return f"""
        WITH result (id, attempt, status, due_at, finished_at, reason) AS (VALUES {tuples(count, 6)})
        UPDATE deliveries
        SET status = result.status, due_at = coalesce(result.due_at, deliveries.due_at),
            finished_at = result.finished_at, reason = result.reason, leased_by = NULL, leased_until = NULL
        FROM result
        WHERE deliveries.id = result.id AND deliveries.attempts = result.attempt AND deliveries.status = 'sending'
        RETURNING deliveries.id"""


def _finished_ms(settlement: Settlement) -> int | None:
    attempt = settlement.attempt
    return int(to_ms(attempt.started_at) + attempt.duration_s * 1000) if settlement.status.is_final else None


def _reason(settlement: Settlement) -> str:
    attempt = settlement.attempt
    return f"{attempt.outcome}: {attempt.detail}" if attempt.detail else attempt.outcome.value


def _record_attempts(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
    """Record attempts, in a savepoint: a record that cannot be written must not undo what was decided."""
    attempts = [
        (
            s.delivery.id,
            s.attempt.number,
            to_ms(s.attempt.started_at),
            s.attempt.duration_s * 1000,
            s.attempt.outcome,
            s.attempt.status,
            s.attempt.detail,
            s.attempt.excerpt,
        )
        for s in settlements
    ]
    columns = f"attempts (delivery_id, {rows.ATTEMPT_COLUMNS})"
    connection.execute("SAVEPOINT records")
    try:
        insert_or_replace(connection, columns, attempts)  # what was taken for lost may come to tell after all
    except (sqlite3.Error, ValueError):
        connection.execute("ROLLBACK TO records")
    connection.execute("RELEASE records")
