"""Deliveries on their way: leased, given back, settled."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from relay.domain import Delivery, DeliveryStatus, Event, Lease, Outcome
from relay.store.protocol import Settlement
from relay.store.sqlite import rows
from relay.store.sqlite.batches import Change, chunks, flat, tally, tuples, within, write
from relay.store.sqlite.rows import maybe_to_ms, to_ms

NEVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Claim:
    """What `claim` was asked."""

    target: str
    lease: Lease
    now: datetime
    limit: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Abandonment:
    """What `abandoned` was asked: by holder, None where all of its leases are free, or when they must have run out."""

    expired_at: Mapping[str, datetime | None]
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


def abandoned(connection: sqlite3.Connection, searches: list[Abandonment]) -> list[list[Delivery]]:
    """List deliveries that others left. In the writer, so that whoever holds one is who held it when it was found."""
    return [load(connection, within(_left(connection, search), search.bytes_max)) for search in searches]


def _left(connection: sqlite3.Connection, search: Abandonment) -> list[tuple[int, int]]:
    """List what was left as (delivery, size of its body)."""
    left: list[tuple[int, int]] = []
    for worker, expired_at in search.expired_at.items():
        left += connection.execute(
            """
            SELECT d.id, e.body_bytes FROM deliveries d JOIN events e ON e.seq = d.event_seq
            WHERE d.status = 'sending' AND d.leased_by = ? AND d.leased_until <= ?
            ORDER BY d.leased_until LIMIT ?""",
            (worker, NEVER_MS if expired_at is None else to_ms(expired_at), search.limit - len(left)),
        ).fetchall()
    return left


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
    first: dict[Fence, Settlement] = {}
    for settlement in settlements:
        first.setdefault(_fence(settlement), settlement)
    held = {fence for chunk in chunks(list(first.values())) for fence in _apply(connection, chunk)}
    _record_attempts(connection, settlements)
    tally(connection, (_change(first[fence]) for fence in held))
    return [_fence(settlement) in held and first[_fence(settlement)] is settlement for settlement in settlements]


Fence = tuple[int, int]


def _fence(settlement: Settlement) -> Fence:
    """Return delivery and attempt: every claim counts the attempts up, so that an old lease's number is none of now."""
    return settlement.delivery.id, settlement.delivery.attempt


def _change(settlement: Settlement) -> Change:
    status = settlement.status
    return Change(settlement.delivery.target, -status.is_final, int(status is DeliveryStatus.DEAD))


def _apply(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> list[Fence]:
    """Write results; return the fences of those whose lease held."""
    values = [(*_fence(s), s.status, maybe_to_ms(s.due_at), _finished_ms(s), _reason(s)) for s in settlements]
    return connection.execute(_apply_sql(len(values)), flat(values)).fetchall()


@cache
def _apply_sql(count: int) -> str:
    return f"""
        WITH result (id, attempt, status, due_at, finished_at, reason) AS (VALUES {tuples(count, 6)})
        UPDATE deliveries
        SET status = result.status, due_at = coalesce(result.due_at, deliveries.due_at),
            finished_at = result.finished_at, reason = result.reason, leased_by = NULL, leased_until = NULL
        FROM result
        WHERE deliveries.id = result.id AND deliveries.attempts = result.attempt AND deliveries.status = 'sending'
        RETURNING deliveries.id, deliveries.attempts"""


def _finished_ms(settlement: Settlement) -> int | None:
    attempt = settlement.attempt
    return int(to_ms(attempt.started_at) + attempt.duration_s * 1000) if settlement.status.is_final else None


def _reason(settlement: Settlement) -> str:
    attempt = settlement.attempt
    return f"{attempt.outcome}: {attempt.detail}" if attempt.detail else attempt.outcome.value


def _record_attempts(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
    """Record attempts, in a savepoint: a record that cannot be written must not undo what was decided.

    Who was taken for lost may come to tell what really happened, before or after: the truth stands.
    """
    lost = [_attempt_row(s) for s in settlements if s.attempt.outcome is Outcome.LOST]
    told = [_attempt_row(s) for s in settlements if s.attempt.outcome is not Outcome.LOST]
    columns = f"attempts (delivery_id, {rows.ATTEMPT_COLUMNS})"
    connection.execute("SAVEPOINT records")
    try:
        write(connection, f"INSERT OR REPLACE INTO {columns}", told)
        write(connection, f"INSERT OR IGNORE INTO {columns}", lost)
    except (sqlite3.Error, ValueError):
        connection.execute("ROLLBACK TO records")
    connection.execute("RELEASE records")


def _attempt_row(settlement: Settlement) -> tuple[Any, ...]:
    attempt = settlement.attempt
    return (
        settlement.delivery.id,
        attempt.number,
        to_ms(attempt.started_at),
        attempt.duration_s * 1000,
        attempt.outcome,
        attempt.status,
        attempt.detail,
        attempt.excerpt,
    )
