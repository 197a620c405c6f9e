"""Deliveries on their way: leased, given back, settled."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from relay.store.choosing import shared, within
from relay.store.sqlite.batches import chunks, flat, insert, marks, tally, tuples, write
from relay.store.sqlite.columns import ATTEMPT, DELIVERY, DELIVERY_WIDTH, EVENT, NEVER_MS
from relay.store.sqlite.frames import apart
from relay.store.tallying import Change


class Claim(NamedTuple):
    """What `claim` was asked. Times in milliseconds."""

    target: str
    worker: str
    until: int
    now: int
    limit: int
    bytes_max: int
    pace: tuple[int, int] | None  # (how many, in how many milliseconds)


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
    order_value: str | None
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
    limit = wanted.limit if wanted.pace is None else min(wanted.limit, _left_of_pace(connection, wanted, *wanted.pace))
    ids = within(_due(connection, wanted, limit), wanted.bytes_max)
    for chunk in chunks(ids):
        connection.execute(_lease_sql(len(chunk)), [wanted.worker, wanted.until, *chunk])
    if wanted.pace is not None:
        insert(connection, "grants (target, at)", [(wanted.target, wanted.now)] * len(ids))
    return load(connection, ids)


def _left_of_pace(connection: sqlite3.Connection, wanted: Claim, count: int, per_ms: int) -> int:
    """Return how many more may go at this time. A grant in the future is from before the clock was set back."""
    connection.execute(
        "DELETE FROM grants WHERE target = ? AND (at <= ? OR at > ?)",
        (wanted.target, wanted.now - per_ms, wanted.now + per_ms),
    )
    (granted,) = connection.execute("SELECT count(*) FROM grants WHERE target = ?", (wanted.target,)).fetchone()
    return max(0, count - int(granted))


def _due(connection: sqlite3.Connection, wanted: Claim, limit: int) -> list[tuple[int, int]]:
    """List what is due as (delivery, size of its body)."""
    fresh = _due_of_kind(connection, wanted, limit, is_retry=False)
    retries = _due_of_kind(connection, wanted, limit, is_retry=True)
    return [(delivery_id, size) for _, delivery_id, size in shared(fresh, retries, limit)]


def _due_of_kind(
    connection: sqlite3.Connection, wanted: Claim, limit: int, *, is_retry: bool
) -> list[tuple[int, int, int]]:
    """List what is due as (since when, delivery, size of its body)."""
    return connection.execute(
        """
        SELECT d.due_at, d.id, e.body_bytes FROM deliveries d JOIN events e ON e.seq = d.event_seq
        WHERE d.status = 'pending' AND d.target = ? AND (d.attempts > d.attempts_before) = ? AND d.due_at <= ?
        ORDER BY d.due_at, d.id LIMIT ?""",
        (wanted.target, is_retry, wanted.now, limit),
    ).fetchall()


@cache
def _lease_sql(count: int) -> str:
    return f"""
        UPDATE deliveries SET status = 'sending', attempts = attempts + 1, leased_by = ?, leased_until = ?
        WHERE id IN ({marks(count)})"""


def load(connection: sqlite3.Connection, ids: Sequence[int]) -> Loaded:
    """Read deliveries with their events, in the order of `ids`."""
    rows = [row for chunk in chunks(ids) for row in connection.execute(_load_sql(len(chunk)), chunk)]
    events = {seq: (*event, apart(body)) for seq, *event, body in (row[DELIVERY_WIDTH:] for row in rows)}
    deliveries = {row[0]: (row[:DELIVERY_WIDTH], row[DELIVERY_WIDTH]) for row in rows}
    return Loaded([deliveries[delivery_id] for delivery_id in ids], events)


@cache
def _load_sql(count: int) -> str:
    return f"""
        SELECT {DELIVERY}, d.event_seq, {EVENT}
        FROM deliveries d JOIN events e ON e.seq = d.event_seq JOIN contents c ON c.event_seq = d.event_seq
        WHERE d.id IN ({marks(count)})"""


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


def release(connection: sqlite3.Connection, groups: Sequence[tuple[str, str, Sequence[Fence]]]) -> list[None]:
    """Give back leases of which no attempt was begun, by worker and target.

    Only its own: who gives one back again, because no answer came, finds it leased to another with the same number.
    """
    for worker, target, fences in groups:
        released = connection.executemany(
            """
            UPDATE deliveries SET status = 'pending', attempts = attempts - 1, leased_by = NULL, leased_until = NULL
            WHERE id = ? AND attempts = ? AND leased_by = ?""",
            [(*fence, worker) for fence in fences],
        ).rowcount
        _take_grants_back(connection, target, released)
    return [None] * len(groups)


def _take_grants_back(connection: sqlite3.Connection, target: str, count: int) -> None:
    """Let a target's rate forget the last of what it was granted: nothing was sent for it."""
    connection.execute(
        "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE target = ? ORDER BY at DESC, id DESC LIMIT ?)",
        (target, count),
    )


def settle(connection: sqlite3.Connection, settlements: Sequence[Settled]) -> list[bool]:
    """Apply results whose lease still holds, and record every attempt."""
    first: dict[Fence, Settled] = {}
    for settled in settlements:
        first.setdefault(settled[:2], settled)
    held = {fence for chunk in chunks(list(first.values())) for fence in _apply(connection, chunk)}
    _record_attempts(connection, settlements)
    tally(connection, (_change(first[fence]) for fence in held))
    for fence in held:
        done = first[fence]
        if done.order_value is not None and done.finished_at is not None:
            let_next_go(connection, done.target, done.order_value, done.finished_at)
    return [settled[:2] in held and first[settled[:2]] is settled for settled in settlements]


def let_next_go(connection: sqlite3.Connection, target: str, order_value: str, now: int) -> None:
    """Give the turn to the first that waited for a delivery with this value to become final."""
    connection.execute(
        f"""
        UPDATE deliveries SET due_at = ? WHERE due_at = {NEVER_MS} AND status = 'pending' AND id =
            (SELECT id FROM deliveries WHERE target = ? AND order_value = ? AND finished_at IS NULL ORDER BY id LIMIT 1)
        """,
        (now, target, order_value),
    )


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
