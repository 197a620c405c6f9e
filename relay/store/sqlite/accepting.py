"""Storing events, once: keys taken, bodies kept, deliveries born; and their revival by duplicate or replay."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from relay.store.sqlite.batches import chunks, flat, insert, marks, tally, tuples
from relay.store.sqlite.columns import NEVER_MS
from relay.store.tallying import Change

LARGE_BYTES = 1024 * 1024
BODY = 2  # its place in a row of `contents`
FINAL = ("delivered", "dead", "cancelled")


class Acceptance(NamedTuple):
    """An event to be stored, as rows without the numbers that they are given here. Times in milliseconds."""

    id: str
    source: str
    key: bytes
    key_expires_at: int | None
    received_at: int
    event: tuple[Any, ...]  # the columns of `events` after `seq`
    content: tuple[Any, ...]  # the columns of `contents` after `event_seq`
    deliveries: Sequence[tuple[Any, ...]]  # each the columns `BORN` after `id` and `event_seq`
    ordered: Sequence[tuple[int, str, str]]  # those of a target with an order: (which of `deliveries`, target, value)


BORN = (
    "id, event_seq, route, target, planned_at, deadline_at, order_value, due_at,"
    " status, attempts, leased_by, leased_until"
)
QUEUED = (NEVER_MS, "pending", 0, None, None)  # from `due_at` on: without a lease, and due when its turn comes

# The id of the event that a duplicate repeats; or the number of the first delivery, and which of them had to queue.
Stored = tuple[str | None, int, Sequence[int]]


def accept(connection: sqlite3.Connection, acceptances: Sequence[Acceptance]) -> list[Stored]:
    """Store events with their keys and deliveries; find the duplicates among them."""
    first_seq, first_delivery_id = _next_numbers(connection)
    numbered = list(enumerate(acceptances, first_seq))
    originals = _take_keys(connection, numbered)
    fresh = [(seq, acceptance) for seq, acceptance in numbered if seq not in originals]
    _store_events(connection, fresh)
    births = _births(connection, fresh, first_delivery_id)
    _store_deliveries(connection, births)
    _revive(connection, [(originals[seq][1], a.received_at) for seq, a in numbered if seq in originals])
    return [(originals[seq][0], 0, ()) if seq in originals else (None, *births[seq][:2]) for seq, _ in numbered]


def accept_all(connection: sqlite3.Connection, batches: Sequence[Sequence[Acceptance]]) -> list[list[Stored]]:
    """Store batches of events: each of them whole, as each is one change of its group."""
    stored = iter(accept(connection, [acceptance for batch in batches for acceptance in batch]))
    return [[next(stored) for _ in batch] for batch in batches]


def _next_numbers(connection: sqlite3.Connection) -> tuple[int, int]:
    last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence WHERE name IN ('events', 'deliveries')"))
    return last.get("events", 0) + 1, last.get("deliveries", 0) + 1


Numbered = Sequence[tuple[int, Acceptance]]


def _take_keys(connection: sqlite3.Connection, numbered: Numbered) -> dict[int, tuple[str, int]]:
    """Take each event's key, unless it is held within its window: then return the holder, as (id, seq), by seq."""
    duplicates: dict[int, tuple[str, int]] = {}
    for chunk in chunks(numbered):
        keys = [(a.source, a.key, seq, a.id, a.key_expires_at) for seq, a in chunk]
        now = max(a.received_at for _, a in chunk)
        taken = connection.execute(_take_keys_sql(len(chunk)), [*flat(keys), now]).rowcount
        if taken < len(chunk):
            duplicates.update(_holders(connection, chunk))
    return duplicates


@cache
def _take_keys_sql(count: int) -> str:
    return f"""
        INSERT INTO dedupe_keys (source, key, event_seq, event_id, expires_at) VALUES {tuples(count, 5)}
        ON CONFLICT (source, key) DO UPDATE
        SET event_seq = excluded.event_seq, event_id = excluded.event_id, expires_at = excluded.expires_at
        WHERE expires_at <= ?"""


def _holders(connection: sqlite3.Connection, numbered: Numbered) -> Iterator[tuple[int, tuple[str, int]]]:
    for seq, acceptance in numbered:
        holder_id, holder_seq = connection.execute(
            "SELECT event_id, event_seq FROM dedupe_keys WHERE source = ? AND key = ?",
            (acceptance.source, acceptance.key),
        ).fetchone()
        if holder_seq != seq:
            yield seq, (holder_id, holder_seq)


def _store_events(connection: sqlite3.Connection, numbered: Numbered) -> None:
    insert(
        connection,
        "events (seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts, secret_number)",
        [(seq, *a.event) for seq, a in numbered],
    )
    store_contents(connection, [(seq, *acceptance.content) for seq, acceptance in numbered])


def store_contents(connection: sqlite3.Connection, contents: Sequence[tuple[Any, ...]]) -> None:
    """Store headers and bodies, by the event's number."""
    small = [row for row in contents if len(row[BODY]) <= LARGE_BYTES]
    insert(connection, "contents (event_seq, headers, body)", small)
    for seq, headers, body in contents:
        if len(body) > LARGE_BYTES:
            _store_large(connection, seq, headers, body)


def _store_large(connection: sqlite3.Connection, seq: int, headers: bytes, body: bytes) -> None:
    """Write a body piece by piece: as a statement's parameter it would be copied whole, twice."""
    connection.execute(
        "INSERT INTO contents (event_seq, headers, body) VALUES (?, ?, zeroblob(?))", (seq, headers, len(body))
    )
    view = memoryview(body)
    with connection.blobopen("contents", "body", seq) as blob:
        for start in range(0, len(view), LARGE_BYTES):
            blob.write(view[start : start + LARGE_BYTES])


class Births(NamedTuple):
    """An event's deliveries with the number of the first, and which of them have to queue."""

    first_id: int
    queued: Sequence[int]
    rows: Sequence[tuple[Any, ...]]


def _births(connection: sqlite3.Connection, numbered: Numbered, first_id: int) -> dict[int, Births]:
    """Number every planned delivery, in order, and queue those whose turn it is not. By the event's number."""
    births: dict[int, Births] = {}
    busy: dict[tuple[str, str], bool] = {}
    for seq, acceptance in numbered:
        rows = list(acceptance.deliveries)
        queued = [index for index, *value in acceptance.ordered if _is_busy(connection, busy, *value)]
        for index in queued:
            rows[index] = rows[index][: -len(QUEUED)] + QUEUED
        births[seq] = Births(first_id, queued, rows)
        first_id += len(rows)
    return births


def _is_busy(connection: sqlite3.Connection, busy: dict[tuple[str, str], bool], target: str, order_value: str) -> bool:
    """Tell whether a delivery with this value is unfinished already; from now on one is."""
    known = busy.get((target, order_value))
    busy[target, order_value] = True
    return known if known is not None else _is_any_unfinished(connection, target, order_value)


def _is_any_unfinished(connection: sqlite3.Connection, target: str, order_value: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM deliveries WHERE target = ? AND order_value = ? AND finished_at IS NULL LIMIT 1",
        (target, order_value),
    ).fetchone()
    return found is not None


def _store_deliveries(connection: sqlite3.Connection, births: Mapping[int, Births]) -> None:
    values = [
        (number, seq, *row)
        for seq, of_event in births.items()
        for number, row in enumerate(of_event.rows, of_event.first_id)
    ]
    insert(
        connection,
        f"deliveries ({BORN})",
        values,
    )
    tally(connection, (Change(target, 1, 0) for _, _, _, target, *_ in values))


def _revive(connection: sqlite3.Connection, duplicates: Iterable[tuple[int, int]]) -> None:
    for seq, now in duplicates:
        _start_anew(connection, seq, now, ("dead",))


class Revival(NamedTuple):
    """What of an event is to be sent again: its deliveries in these statuses, to one target or to all."""

    event_id: str
    now: int
    statuses: Sequence[str] = FINAL
    target: str | None = None


def replay(connection: sqlite3.Connection, wishes: Sequence[Revival]) -> list[int]:
    """Make final deliveries pending again; tell how many each time."""
    counts = []
    for wish in wishes:
        row = connection.execute("SELECT seq FROM events WHERE id = ?", (wish.event_id,)).fetchone()
        counts.append(_start_anew(connection, row[0], wish.now, wish.statuses, wish.target) if row else 0)
    return counts


def _start_anew(
    connection: sqlite3.Connection, seq: int, now: int, statuses: Sequence[str], target: str | None = None
) -> int:
    """Start an event's deliveries in these statuses anew."""
    deliveries = connection.execute(
        f"""
        SELECT id FROM deliveries
        WHERE event_seq = ? AND status IN ({marks(len(statuses))}) AND (? IS NULL OR target = ?)""",
        (seq, *statuses, target, target),
    ).fetchall()
    for (delivery_id,) in deliveries:
        start_delivery_anew(connection, delivery_id, now)
    return len(deliveries)


def start_delivery_anew(connection: sqlite3.Connection, delivery_id: int, now: int) -> None:
    """Give a final delivery a new schedule and as much time as it had at first."""
    target, status, order_value = connection.execute(
        "SELECT target, status, order_value FROM deliveries WHERE id = ?", (delivery_id,)
    ).fetchone()
    must_queue = order_value is not None and _is_any_unfinished(connection, target, order_value)
    connection.execute(
        """
        UPDATE deliveries
        SET status = 'pending', attempts_before = attempts, finished_at = NULL, reason = '',
            due_at = :due_at, deadline_at = :now + deadline_at - planned_at, planned_at = :now
        WHERE id = :id""",
        {"now": now, "due_at": NEVER_MS if must_queue else now, "id": delivery_id},
    )
    tally(connection, [Change(target, 1, -(status == "dead"))])
