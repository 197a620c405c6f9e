"""Storing events, once: keys taken, bodies kept, deliveries born; and their revival by duplicate or replay."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from relay.domain import FINAL_STATUSES, Delivery, DeliveryStatus, Event, Lease, Plan, Receipt
from relay.store.sqlite import rows
from relay.store.sqlite.batches import Change, chunks, flat, insert, marks, tally, tuples
from relay.store.sqlite.rows import maybe_to_ms, to_ms


class Acceptance(NamedTuple):
    """What `accept` was asked."""

    event: Event
    plan: Plan
    leases: Mapping[int, Lease]


def accept(connection: sqlite3.Connection, acceptances: list[Acceptance]) -> list[Receipt]:
    """Store events with their keys and deliveries; find the duplicates among them."""
    first_seq, first_delivery_id = _next_numbers(connection)
    numbered = list(enumerate(acceptances, first_seq))
    originals = _take_keys(connection, numbered)
    fresh = [(seq, acceptance) for seq, acceptance in numbered if seq not in originals]
    _store_events(connection, fresh)
    born = _store_deliveries(connection, fresh, first_delivery_id)
    _revive(connection, [(seq, a.event.received_at) for s, a in numbered if (seq := originals.get(s, ("", 0))[1])])
    return [
        Receipt(originals[seq][0], is_duplicate=True)
        if seq in originals
        else Receipt(acceptance.event.id, is_duplicate=False, deliveries=tuple(born.get(seq, ())))
        for seq, acceptance in numbered
    ]


def _next_numbers(connection: sqlite3.Connection) -> tuple[int, int]:
    last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence WHERE name IN ('events', 'deliveries')"))
    return last.get("events", 0) + 1, last.get("deliveries", 0) + 1


Numbered = Sequence[tuple[int, Acceptance]]


def _take_keys(connection: sqlite3.Connection, numbered: Numbered) -> dict[int, tuple[str, int]]:
    """Take each event's key, unless it is held within its window: then return the holder, as (id, seq), by seq."""
    duplicates: dict[int, tuple[str, int]] = {}
    for chunk in chunks(numbered):
        keys = [(a.event.source, a.event.key, seq, a.event.id, maybe_to_ms(a.event.key_expires_at)) for seq, a in chunk]
        now = max(to_ms(a.event.received_at) for _, a in chunk)
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
            (acceptance.event.source, acceptance.event.key),
        ).fetchone()
        if holder_seq != seq:
            yield seq, (holder_id, holder_seq)


def _store_events(connection: sqlite3.Connection, numbered: Numbered) -> None:
    insert(
        connection,
        "events (seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts)",
        [
            (
                seq,
                a.event.id,
                a.event.source,
                a.event.type,
                a.event.key,
                maybe_to_ms(a.event.key_expires_at),
                to_ms(a.event.received_at),
                len(a.event.body),
                rows.verdicts_to_json(a.plan.verdicts),
            )
            for seq, a in numbered
        ],
    )
    insert(
        connection,
        "contents (event_seq, headers, body)",
        [(seq, rows.headers_to_json(a.event.headers), a.event.body) for seq, a in numbered],
    )


def _store_deliveries(connection: sqlite3.Connection, numbered: Numbered, first_id: int) -> dict[int, list[Delivery]]:
    """Store every planned delivery; return those born leased, by the event's number."""
    born: dict[int, list[Delivery]] = {}
    values: list[tuple[Any, ...]] = []
    for seq, acceptance in numbered:
        for index, planned in enumerate(acceptance.plan.deliveries):
            delivery_id, due_at = first_id + len(values), to_ms(planned.due_at)
            times = (due_at, due_at, to_ms(planned.deadline_at))
            common = (delivery_id, seq, planned.route, planned.target, *times)
            lease = acceptance.leases.get(index)
            if lease is None:
                values.append((*common, "pending", 0, None, None))
                continue
            values.append((*common, "sending", 1, lease.worker, to_ms(lease.until)))
            born.setdefault(seq, []).append(
                Delivery(delivery_id, acceptance.event, planned.route, planned.target, 1, 0, planned.deadline_at)
            )
    insert(
        connection,
        "deliveries (id, event_seq, route, target, planned_at, due_at, deadline_at,"
        " status, attempts, leased_by, leased_until)",
        values,
    )
    tally(connection, (Change(target, 1, 0) for _, _, _, target, *_ in values))
    return born


def _revive(connection: sqlite3.Connection, duplicates: Iterable[tuple[int, datetime]]) -> None:
    for seq, now in duplicates:
        _start_anew(connection, seq, now, (DeliveryStatus.DEAD,))


def replay(connection: sqlite3.Connection, wishes: list[tuple[str, datetime]]) -> list[int]:
    """Make final deliveries pending again, by event id; tell how many each time."""
    counts = []
    for event_id, now in wishes:
        row = connection.execute("SELECT seq FROM events WHERE id = ?", (event_id,)).fetchone()
        counts.append(_start_anew(connection, row[0], now, tuple(FINAL_STATUSES)) if row else 0)
    return counts


def _start_anew(connection: sqlite3.Connection, seq: int, now: datetime, statuses: tuple[DeliveryStatus, ...]) -> int:
    """Give an event's deliveries in these statuses a new schedule and as much time as they had at first."""
    deliveries = connection.execute(
        f"SELECT id, target, status FROM deliveries WHERE event_seq = ? AND status IN ({marks(len(statuses))})",
        (seq, *statuses),
    ).fetchall()
    connection.executemany(
        """
        UPDATE deliveries
        SET status = 'pending', attempts_before = attempts, finished_at = NULL, reason = '',
            due_at = :now, deadline_at = :now + deadline_at - planned_at, planned_at = :now
        WHERE id = :id""",
        [{"now": to_ms(now), "id": delivery_id} for delivery_id, _, _ in deliveries],
    )
    tally(connection, (Change(target, 1, -(status == DeliveryStatus.DEAD)) for _, target, status in deliveries))
    return len(deliveries)
