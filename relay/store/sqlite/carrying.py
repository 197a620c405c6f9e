"""Deliveries on their way: leased, given back, settled."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from relay.store.sqlite.batches import Change, chunks, flat, tally, tuples, within, write
from relay.store.sqlite.columns import ATTEMPT, DELIVERY, EVENT
from relay.store.sqlite.frames import apart

NEVER_MS = 2**62


class Claim(NamedTuple):
    """What `claim` was asked. Times in milliseconds."""

    target: str
    worker: str
    until: int
    now: int
    limit: int
    bytes_max: int


class Abandonment(NamedTuple):
    """What `abandoned` was asked: by holder, None where all of its leases are free, or when they must have run out."""

    expired_at: Mapping[str, int | None]
    limit: int
    bytes_max: int


class Settled(NamedTuple):
    """What one attempt leads to. Times in milliseconds."""

    delivery_id: int
    attempt: int
    target: str
    status: str
    due_at: int | None
    finished_at: int | None
    reason: str
    is_lost: bool
    record: tuple[Any, ...]  # the columns `ATTEMPT`


class Loaded(NamedTuple):
    """Deliveries as rows of `DELIVERY` and their event's number, with each event once, as a row of `EVENT`."""

    deliveries: Sequence[tuple[tuple[Any, ...], int]]
    events: Mapping[int, tuple[Any, ...]]


def claim(connection: sqlite3.Connection, claims: Sequence[Claim]) -> list[Loaded]:
    """Lease due deliveries, lane by lane."""
    return [_claim(connection, wanted) for wanted in claims]


def _claim(connection: sqlite3.Connection, wanted: Claim) -> Loaded:
    due = connection.execute(
        """
        SELECT d.id, e.body_bytes FROM deliveries d JOIN events e ON e.seq = d.event_seq
        WHERE d.status = 'pending' AND d.target = ? AND d.due_at <= ?
        ORDER BY d.due_at, d.id LIMIT ?""",
        (wanted.target, wanted.now, wanted.limit),
    ).fetchall()
    ids = within(due, wanted.bytes_max)
    connection.executemany(
        """
        UPDATE deliveries SET status = 'sending', attempts = attempts + 1, leased_by = ?, leased_until = ?
        WHERE id = ?""",
        [(wanted.worker, wanted.until, delivery_id) for delivery_id in ids],
    )
    return load(connection, ids)


def load(connection: sqlite3.Connection, ids: Sequence[int]) -> Loaded:
    """Read deliveries with their events, in the order of `ids`; an event that several share is read once."""
    deliveries = []
    for delivery_id in ids:
        *row, seq = connection.execute(
            f"SELECT {DELIVERY}, d.event_seq FROM deliveries d WHERE d.id = ?", (delivery_id,)
        ).fetchone()
        deliveries.append((tuple(row), seq))
    return Loaded(deliveries, {seq: _event(connection, seq) for seq in dict.fromkeys(seq for _, seq in deliveries)})


def _event(connection: sqlite3.Connection, seq: int) -> tuple[Any, ...]:
    *row, body = connection.execute(
        f"SELECT {EVENT} FROM events e JOIN contents c ON c.event_seq = e.seq WHERE e.seq = ?", (seq,)
    ).fetchone()
    return (*row, apart(body))


def abandoned(connection: sqlite3.Connection, searches: Sequence[Abandonment]) -> list[Loaded]:
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
            (worker, NEVER_MS if expired_at is None else expired_at, search.limit - len(left)),
        ).fetchall()
    return left


def renew(connection: sqlite3.Connection, leases: Sequence[tuple[str, int]]) -> list[None]:
    """Prolong every lease of a worker until a time."""
    connection.executemany(
        "UPDATE deliveries SET leased_until = ? WHERE status = 'sending' AND leased_by = ?",
        [(until, worker) for worker, until in leases],
    )
    return [None] * len(leases)


Fence = tuple[int, int]  # delivery and attempt: every claim counts up, so that an old lease's number is none of now


def release(connection: sqlite3.Connection, groups: Sequence[Sequence[Fence]]) -> list[None]:
    """Give back leases of which no attempt was begun."""
    connection.executemany(
        """
        UPDATE deliveries SET status = 'pending', attempts = attempts - 1, leased_by = NULL, leased_until = NULL
        WHERE id = ? AND attempts = ? AND status = 'sending'""",
        [fence for group in groups for fence in group],
    )
    return [None] * len(groups)


def settle(connection: sqlite3.Connection, settlements: Sequence[Settled]) -> list[bool]:
    """Apply results whose lease still holds, and record every attempt."""
    first: dict[Fence, Settled] = {}
    for settled in settlements:
        first.setdefault(settled[:2], settled)
    held = {fence for chunk in chunks(list(first.values())) for fence in _apply(connection, chunk)}
    _record_attempts(connection, settlements)
    tally(connection, (_change(first[fence]) for fence in held))
    return [settled[:2] in held and first[settled[:2]] is settled for settled in settlements]


def _change(settled: Settled) -> Change:
    return Change(settled.target, -(settled.finished_at is not None), int(settled.status == "dead"))


def _apply(connection: sqlite3.Connection, settlements: Sequence[Settled]) -> list[Fence]:
    """Write results; return the fences of those whose lease held."""
    values = [(s.delivery_id, s.attempt, s.status, s.due_at, s.finished_at, s.reason) for s in settlements]
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


def _record_attempts(connection: sqlite3.Connection, settlements: Sequence[Settled]) -> None:
    """Record attempts, in a savepoint: a record that cannot be written must not undo what was decided.

    Who was taken for lost may come to tell what really happened, before or after: the truth stands.
    """
    lost = [(settled.delivery_id, *settled.record) for settled in settlements if settled.is_lost]
    told = [(settled.delivery_id, *settled.record) for settled in settlements if not settled.is_lost]
    columns = f"attempts (delivery_id, {ATTEMPT})"
    connection.execute("SAVEPOINT records")
    try:
        write(connection, f"INSERT OR REPLACE INTO {columns}", told)
        write(connection, f"INSERT OR IGNORE INTO {columns}", lost)
    except (sqlite3.Error, ValueError):
        connection.execute("ROLLBACK TO records")
    connection.execute("RELEASE records")
