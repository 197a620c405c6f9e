"""Records as they are moved, read from the file and written to it. Everything here is part of one transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from relay.clock import to_ms
from relay.store.choosing import within
from relay.store.records import MovedAttempt, MovedDelivery, MovedEvent, MovedKey, MovedLane, Place
from relay.store.sqlite.accepting import store_contents
from relay.store.sqlite.batches import chunks, insert, marks
from relay.store.sqlite.columns import ATTEMPT
from relay.store.sqlite.rows import from_ms, maybe_from_ms, maybe_to_ms
from relay.store.transfer import COUNTED, FILLED, Bounds, Queues, QueueSum, Section, Size, Span

NO_EVENT = 0  # the number of an event that is purged: no other ever has it
HELD = "is_paused OR is_tripped OR breaker <> ''"

DELIVERY = (
    "id, event_seq, route, target, status, attempts, attempts_before, planned_at, due_at, deadline_at,"
    " leased_by, leased_until, finished_at, reason, order_value"
)


def size(connection: sqlite3.Connection) -> Size:
    """Count."""
    (body_bytes,) = connection.execute(
        "SELECT (SELECT total(body_bytes) FROM events) + (SELECT total(body_bytes) FROM rejections)"
    ).fetchone()
    counts = {
        section: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for section, table in COUNTED.items()
    }
    return Size({**counts, Section.LANES: len(_targets(connection))}, int(body_bytes))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether nothing was ever received or asked for, and nothing is known of any target."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    looks = [f"EXISTS (SELECT 1 FROM {table})" for table in FILLED if table in there]  # an older version has not all
    looks.append(f"EXISTS (SELECT 1 FROM lanes WHERE {HELD})")
    return not connection.execute(f"SELECT {' OR '.join(looks)}").fetchone()[0]


def queues(connection: sqlite3.Connection) -> Queues:
    """Sum up who waits for whom."""
    found = QueueSum()
    for row in connection.execute("""
        SELECT d.target, d.order_value, e.id FROM deliveries d JOIN events e ON e.seq = d.event_seq
        WHERE d.order_value IS NOT NULL AND d.finished_at IS NULL ORDER BY d.target, d.order_value, d.id"""):
        found.add(*row)
    return found.result()


def count_lanes(connection: sqlite3.Connection) -> None:
    """Count what each target still has to get."""
    connection.execute("UPDATE lanes SET unfinished = 0, dead = 0")
    connection.execute("""
        INSERT INTO lanes (target, unfinished, dead)
        SELECT target, count(*) FILTER (WHERE finished_at IS NULL), count(*) FILTER (WHERE status = 'dead')
        FROM deliveries WHERE true GROUP BY target
        ON CONFLICT (target) DO UPDATE SET unfinished = excluded.unfinished, dead = excluded.dead""")


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_events(connection: sqlite3.Connection, span: Span, bounds: Bounds) -> list[MovedEvent]:
    """Read the first events of a span."""
    until, places = ("", ()) if span.until is None else ("AND id <= ?", span.until[:1])
    found = connection.execute(
        f"SELECT seq, body_bytes FROM events WHERE id > ? {until} ORDER BY id LIMIT ?",
        (span.after[0], *places, bounds.rows),
    ).fetchall()
    return [event for chunk in chunks(within(found, bounds.bytes_max)) for event in _events(connection, chunk)]


def _events(connection: sqlite3.Connection, seqs: Sequence[int]) -> Iterator[MovedEvent]:
    deliveries = _deliveries(connection, seqs)
    rows = connection.execute(
        f"""
        SELECT e.seq, e.id, e.source, e.type, e.key, e.key_expires_at, e.received_at, e.secret_number, e.verdicts,
            c.headers, c.body
        FROM events e JOIN contents c ON c.event_seq = e.seq WHERE e.seq IN ({marks(len(seqs))}) ORDER BY e.id""",
        seqs,
    )
    for seq, event_id, source, type_, key, key_expires_at, received_at, secret_number, *content in rows:
        known = (event_id, source, type_, key, maybe_from_ms(key_expires_at), from_ms(received_at), secret_number)
        verdicts, headers, body = content
        yield MovedEvent(*known, verdicts, headers, body, tuple(deliveries.get(seq, ())))


def _deliveries(connection: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, list[MovedDelivery]]:
    """Read deliveries, by their event's number."""
    found = connection.execute(
        f"SELECT {DELIVERY} FROM deliveries WHERE event_seq IN ({marks(len(seqs))}) ORDER BY id", seqs
    ).fetchall()
    tried = _attempts(connection, [row[0] for row in found])
    deliveries: dict[int, list[MovedDelivery]] = {}
    for row in found:
        deliveries.setdefault(row[1], []).append(_delivery(row, tuple(tried.get(row[0], ()))))
    return deliveries


def _delivery(row: tuple[Any, ...], tried: tuple[MovedAttempt, ...]) -> MovedDelivery:
    """Read a row of the columns `DELIVERY`. Rows are numbered in order of arrival: the number is the turn."""
    delivery_id, _, route, target, status, attempts, attempts_before, planned_at, due_at, deadline_at, *rest = row
    leased_by, leased_until, finished_at, reason, order_value = rest
    return MovedDelivery(
        route,
        target,
        status,
        attempts,
        attempts_before,
        from_ms(planned_at),
        from_ms(due_at),
        from_ms(deadline_at),
        leased_by,
        maybe_from_ms(leased_until),
        maybe_from_ms(finished_at),
        reason,
        order_value,
        delivery_id if order_value is not None else None,
        tried,
    )


def _attempts(connection: sqlite3.Connection, delivery_ids: Sequence[int]) -> dict[int, list[MovedAttempt]]:
    """Read attempts, by their delivery's number."""
    attempts: dict[int, list[MovedAttempt]] = {}
    for chunk in chunks(delivery_ids):
        rows = connection.execute(
            f"""
            SELECT delivery_id, {ATTEMPT} FROM attempts
            WHERE delivery_id IN ({marks(len(chunk))}) ORDER BY delivery_id, number""",
            chunk,
        )
        for delivery_id, number, started_at, *told in rows:
            attempts.setdefault(delivery_id, []).append(MovedAttempt(number, from_ms(started_at), *told))
    return attempts


def write_events(connection: sqlite3.Connection, events: Sequence[MovedEvent], gone: Sequence[Place]) -> None:
    """Put events in the place of those that are there, under the numbers that those had; and remove others."""
    known = _drop(connection, [*(event.id for event in events), *(event_id for event_id, _ in gone)])
    numbers = Numbers.of(connection, events)
    for event in events:
        seq, delivery_ids = known.get(event.id, (None, []))
        _store(connection, event, numbers.event(seq), numbers.deliveries(event, delivery_ids))


def _drop(connection: sqlite3.Connection, event_ids: Sequence[str]) -> dict[str, tuple[int, list[int]]]:
    """Remove events with all that became of them; return the numbers that they and their deliveries had."""
    known: dict[str, tuple[int, list[int]]] = {}
    for event_id in event_ids:
        row = connection.execute("SELECT seq FROM events WHERE id = ?", (event_id,)).fetchone()
        if row is None:
            continue
        deliveries = connection.execute("SELECT id FROM deliveries WHERE event_seq = ? ORDER BY id", row).fetchall()
        known[event_id] = row[0], [delivery_id for (delivery_id,) in deliveries]
        connection.executemany("DELETE FROM attempts WHERE delivery_id = ?", deliveries)
        for table, column in (("deliveries", "event_seq"), ("contents", "event_seq"), ("events", "seq")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", row)
    return known


class Numbers(NamedTuple):
    """New numbers for rows.

    A delivery with a turn gets twice that, so that turns are kept whatever the order in which events come; one without
    gets an odd number above all that were given.
    """

    last: dict[str, int]

    @classmethod
    def of(cls, connection: sqlite3.Connection, events: Iterable[MovedEvent]) -> "Numbers":
        """Begin after all numbers that were given, or will be to these events."""
        last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
        turns = (delivery.turn or 0 for event in events for delivery in event.deliveries)
        return cls(
            {"events": last.get("events", 0), "deliveries": max(last.get("deliveries", 0), 2 * max(turns, default=0))}
        )

    def event(self, known: int | None) -> int:
        """Return the number that an event had, or a new one."""
        if known is not None:
            return known
        self.last["events"] += 1
        return self.last["events"]

    def deliveries(self, event: MovedEvent, known: Sequence[int]) -> list[int]:
        """Return a number for each delivery of an event; those without a turn keep what they had."""
        odd = iter([number for number in known if number % 2])
        return [
            2 * delivery.turn if delivery.turn is not None else next(odd, None) or self._next_odd()
            for delivery in event.deliveries
        ]

    def _next_odd(self) -> int:
        self.last["deliveries"] += 1 + self.last["deliveries"] % 2
        return self.last["deliveries"]


def _store(connection: sqlite3.Connection, event: MovedEvent, seq: int, delivery_ids: Sequence[int]) -> None:
    times = (maybe_to_ms(event.key_expires_at), to_ms(event.received_at))
    told = (len(event.body), event.verdicts, event.secret_number)
    row = (seq, event.id, event.source, event.type, event.key, *times, *told)
    columns = "seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts, secret_number"
    insert(connection, f"events ({columns})", [row])
    store_contents(connection, [(seq, event.headers, event.body)])
    numbered = list(zip(delivery_ids, event.deliveries, strict=True))
    insert(connection, f"deliveries ({DELIVERY})", [_row(number, seq, delivery) for number, delivery in numbered])
    tried = [
        (number, attempt.number, to_ms(attempt.started_at), *attempt[2:])
        for number, delivery in numbered
        for attempt in delivery.tried
    ]
    insert(connection, f"attempts (delivery_id, {ATTEMPT})", tried)
    connection.execute(
        "UPDATE dedupe_keys SET event_seq = ? WHERE source = ? AND key = ? AND event_id = ?",
        (seq, event.source, event.key, event.id),
    )


def _row(number: int, seq: int, delivery: MovedDelivery) -> tuple[Any, ...]:
    """Write the columns `DELIVERY`."""
    counted = (delivery.status, delivery.attempts, delivery.attempts_before)
    planned = (to_ms(delivery.planned_at), to_ms(delivery.due_at), to_ms(delivery.deadline_at))
    leased = (delivery.leased_by, maybe_to_ms(delivery.leased_until))
    ended = (maybe_to_ms(delivery.finished_at), delivery.reason, delivery.order_value)
    return (number, seq, delivery.route, delivery.target, *counted, *planned, *leased, *ended)


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_keys(connection: sqlite3.Connection, span: Span, bounds: Bounds) -> list[MovedKey]:
    """Read the first keys of a span."""
    until = "" if span.until is None else "AND (source, key) <= (?, ?)"
    rows = connection.execute(
        f"""
        SELECT source, key, event_id, expires_at FROM dedupe_keys WHERE (source, key) > (?, ?) {until}
        ORDER BY source, key LIMIT ?""",
        (*span.after, *(span.until or ()), bounds.rows),
    )
    return [MovedKey(source, key, event_id, maybe_from_ms(expires_at)) for source, key, event_id, expires_at in rows]


def write_keys(connection: sqlite3.Connection, keys: Sequence[MovedKey], gone: Sequence[Place]) -> None:
    """Let keys be held by the events that they name, those purged included; and free others."""
    connection.executemany("DELETE FROM dedupe_keys WHERE source = ? AND key = ?", [*gone, *(k.place for k in keys)])
    connection.executemany(
        f"""
        INSERT INTO dedupe_keys (source, key, event_seq, event_id, expires_at)
        VALUES (?1, ?2, coalesce((SELECT seq FROM events WHERE id = ?3), {NO_EVENT}), ?3, ?4)""",
        [(key.source, key.key, key.event_id, maybe_to_ms(key.expires_at)) for key in keys],
    )


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_lanes(connection: sqlite3.Connection, span: Span, bounds: Bounds) -> list[MovedLane]:
    """Read the first lanes of a span, of those of which there is something to tell."""
    until = None if span.until is None else span.until[0]
    chosen = [
        target for target in _targets(connection) if target > span.after[0] and (until is None or target <= until)
    ]
    return [_lane(connection, target) for target in chosen[: bounds.rows]]


def _targets(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        f"SELECT target FROM lanes WHERE {HELD} UNION SELECT target FROM holds UNION SELECT target FROM grants"
    )
    return sorted(target for (target,) in rows)


def _lane(connection: sqlite3.Connection, target: str) -> MovedLane:
    lane = connection.execute(
        "SELECT is_paused, is_tripped, breaker FROM lanes WHERE target = ?", (target,)
    ).fetchone() or (0, 0, "")
    holds = connection.execute("SELECT began_at, ended_at FROM holds WHERE target = ? ORDER BY began_at, id", (target,))
    grants = connection.execute("SELECT at FROM grants WHERE target = ? ORDER BY at, id", (target,))
    return MovedLane(
        target,
        bool(lane[0]),
        bool(lane[1]),
        lane[2],
        tuple((from_ms(began_at), maybe_from_ms(ended_at)) for began_at, ended_at in holds),
        tuple(from_ms(at) for (at,) in grants),
    )


def write_lanes(connection: sqlite3.Connection, lanes: Sequence[MovedLane], gone: Sequence[Place]) -> None:
    """Let targets stand as told, and forget what there was of others."""
    for target in [*(target for target, _ in gone), *(lane.target for lane in lanes)]:
        connection.execute("UPDATE lanes SET is_paused = 0, is_tripped = 0, breaker = '' WHERE target = ?", (target,))
        for table in ("holds", "grants"):
            connection.execute(f"DELETE FROM {table} WHERE target = ?", (target,))
    for lane in lanes:
        connection.execute(
            """
            INSERT INTO lanes (target, is_paused, is_tripped, breaker) VALUES (?, ?, ?, ?) ON CONFLICT (target)
            DO UPDATE SET is_paused = excluded.is_paused, is_tripped = excluded.is_tripped, breaker = excluded.breaker
            """,
            (lane.target, lane.is_paused, lane.is_tripped, lane.breaker),
        )
        holds = [(lane.target, to_ms(began_at), maybe_to_ms(ended_at)) for began_at, ended_at in lane.holds]
        insert(connection, "holds (target, began_at, ended_at)", holds)
        insert(connection, "grants (target, at)", [(lane.target, to_ms(at)) for at in lane.grants])
