"""Records as they are moved, read from the database and written to it. Everything here is part of one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relay.store.choosing import within
from relay.store.postgres import bodies, days
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.numbers import Numbers, date_of, day_of_event, span
from relay.store.postgres.rows import ATTEMPT, Record
from relay.store.records import MovedAttempt, MovedDelivery, MovedEvent, MovedKey, MovedLane, Place
from relay.store.texts import storable
from relay.store.transfer import COUNTED, FILLED, Bounds, Queues, QueueSum, Section, Size, Span

NO_EVENT = 0  # the number of an event that is purged: no other ever has it
AFTER_ALL_IDS = "evt_~"
WAITING_AT_A_TIME = 10_000

EVENT = "seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts, secret_number"
DELIVERY = (
    "id, event_seq, route, target, status, attempts, attempts_before, planned_at, due_at, deadline_at,"
    " leased_by, leased_until, finished_at, reason, order_value, turn"
)


async def size(connection: Connection) -> Size:
    """Count."""
    counts = {section: await connection.fetchval(f"SELECT count(*) FROM {table}") for section, table in COUNTED.items()}
    return Size({**counts, Section.LANES: len(await _targets(connection))}, await connection.fetchval(_BODY_BYTES))


_BODY_BYTES = """
    SELECT coalesce((SELECT sum(body_bytes) FROM events)::bigint, 0)
        + coalesce((SELECT sum(body_bytes) FROM rejections)::bigint, 0)"""


async def is_empty(connection: Connection) -> bool:
    """Tell whether nothing was ever received or asked for, and nothing is known of any target."""
    there = {row["name"] for row in await connection.fetch(_THERE, FILLED)}
    looks = [f"EXISTS (SELECT FROM {table})" for table in FILLED if table in there]  # an older version has not all
    looks.append(f"EXISTS (SELECT FROM lanes WHERE {_HELD})")
    return not await connection.fetchval(f"SELECT {' OR '.join(looks)}")


_THERE = "SELECT name FROM unnest($1::text[]) AS asked (name) WHERE to_regclass(name) IS NOT NULL"
_HELD = "is_paused OR is_tripped OR breaker <> ''"


async def queues(connection: Connection) -> Queues:
    """Sum up who waits for whom."""
    found = QueueSum()
    async for target, order_value, event_id in connection.cursor(_WAITING, prefetch=WAITING_AT_A_TIME):
        found.add(target, order_value, event_id)
    return found.result()


_WAITING = """
    SELECT d.target, d.order_value, e.id FROM deliveries d JOIN events e ON e.seq = d.event_seq
    WHERE d.order_value IS NOT NULL AND d.finished_at IS NULL ORDER BY d.target, d.order_value, d.turn"""


async def count_lanes(connection: Connection) -> None:
    """Count what each target still has to get."""
    await connection.execute("DELETE FROM lane_counts")
    await connection.execute("""
        INSERT INTO lane_counts (target, shard, unfinished, dead)
        SELECT target, 0, count(*) FILTER (WHERE finished_at IS NULL), count(*) FILTER (WHERE status = 'dead')
        FROM deliveries GROUP BY target""")


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read_events(connection: Connection, asked: Span, bounds: Bounds) -> list[MovedEvent]:
    """Read the first events of a span: some of the first day that has any."""
    until = None if asked.until is None else asked.until[0]
    first = day_of_event(asked.after[0]) if asked.after[0] else 0
    for day in await days.existing(connection):
        if day < first or (until is not None and day > day_of_event(until)):
            continue
        found = await connection.fetch(_listed(day), asked.after[0], until or AFTER_ALL_IDS, bounds.rows)
        if found:
            seqs = within([(row["seq"], row["body_bytes"]) for row in found], bounds.bytes_max)
            return await _events(connection, seqs, day)
    return []


# A day's own table is asked, by the index on its ids: of the whole, the server would read all rows of the day.


def _listed(day: int) -> str:
    return f"SELECT seq, body_bytes FROM {_table(day)} WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"


def _known(day: int) -> str:
    return f"SELECT id, seq FROM {_table(day)} WHERE id = ANY ($1)"


def _table(day: int) -> str:
    return f"events_{date_of(day):%Y%m%d}"


async def _events(connection: Connection, seqs: Sequence[int], day: int) -> list[MovedEvent]:
    deliveries: dict[int, list[MovedDelivery]] = {}
    found = await connection.fetch(_DELIVERIES, seqs, *span(day))
    tried = await _attempts(connection, [row["id"] for row in found], day)
    for row in found:
        deliveries.setdefault(row["event_seq"], []).append(_delivery(row, tuple(tried.get(row["id"], ()))))
    rows = await connection.fetch(_EVENTS, seqs, *span(day))
    large = await bodies.load(connection, ((row["seq"], row["body_bytes"]) for row in rows))
    return [_event(row, large.get(row["seq"]), tuple(deliveries.get(row["seq"], ()))) for row in rows]


_EVENTS = f"""
    SELECT {EVENT}, headers,
        CASE WHEN body_bytes <= {bodies.LARGE_BYTES} THEN body END AS body
    FROM events JOIN contents ON event_seq = seq
    WHERE seq = ANY ($1) AND seq >= $2 AND seq < $3 ORDER BY id"""
_DELIVERIES = f"""
    SELECT {DELIVERY} FROM deliveries WHERE event_seq = ANY ($1) AND id >= $2 AND id < $3 ORDER BY id"""


def _event(row: Record, large_body: bytes | None, deliveries: tuple[MovedDelivery, ...]) -> MovedEvent:
    named = (row["id"], row["source"], row["type"], row["key"], row["key_expires_at"], row["received_at"])
    told = (row["secret_number"], row["verdicts"], row["headers"])
    return MovedEvent(*named, *told, large_body or row["body"], deliveries)


def _delivery(row: Record, tried: tuple[MovedAttempt, ...]) -> MovedDelivery:
    columns = {name: value for name, value in row.items() if name not in ("id", "event_seq")}
    return MovedDelivery(**columns, tried=tried)


async def _attempts(connection: Connection, ids: Sequence[int], day: int) -> dict[int, list[MovedAttempt]]:
    """Read attempts, by their delivery's number."""
    attempts: dict[int, list[MovedAttempt]] = {}
    for delivery_id, *told in await connection.fetch(_ATTEMPTS, ids, *span(day)):
        attempts.setdefault(delivery_id, []).append(MovedAttempt(*told))
    return attempts


_ATTEMPTS = f"""
    SELECT delivery_id, {ATTEMPT} FROM attempts
    WHERE delivery_id = ANY ($1) AND delivery_id >= $2 AND delivery_id < $3 ORDER BY delivery_id, number"""


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Puts events in the place of those that are there, under the numbers that those had; and removes others."""

    known_days: Days
    event_numbers: Numbers
    delivery_numbers: Numbers

    async def write(self, connection: Connection, events: Sequence[MovedEvent], gone: Sequence[Place]) -> None:
        """Write events, day by day: a row's number begins with its day."""
        by_day: dict[int, tuple[list[MovedEvent], list[str]]] = {}
        for event in events:
            by_day.setdefault(day_of_event(event.id), ([], []))[0].append(event)
        for event_id, _ in gone:
            by_day.setdefault(day_of_event(event_id), ([], []))[1].append(event_id)
        for day, (of_day, gone_ids) in by_day.items():
            if of_day:
                await self.known_days.make(connection, [day])
            known = await _drop(connection, [*gone_ids, *(event.id for event in of_day)], day)
            await self._store(connection, of_day, known, day)

    async def _store(
        self, connection: Connection, events: Sequence[MovedEvent], known: Mapping[str, tuple[int, list[int]]], day: int
    ) -> None:
        numbered = [(await self._seq(connection, known.get(event.id), day), event) for event in events]
        deliveries = [
            (number, seq, delivery)
            for seq, event in numbered
            for number, delivery in zip(
                await self._numbers(connection, known.get(event.id), len(event.deliveries), day),
                event.deliveries,
                strict=True,
            )
        ]
        await _copy(connection, "events", EVENT, [_event_row(seq, event) for seq, event in numbered])
        contents = [(seq, event.headers, event.body) for seq, event in numbered]
        small = [content for content in contents if not bodies.is_large(content[2])]
        await _copy(connection, "contents", "event_seq, headers, body", small)
        for content in contents:
            if bodies.is_large(content[2]):
                await bodies.store(connection, *content)
        await _copy(connection, "deliveries", DELIVERY, [_delivery_row(*numbered) for numbered in deliveries])
        tried = [_attempt_row(number, each) for number, _, delivery in deliveries for each in delivery.tried]
        await _copy(connection, "attempts", f"delivery_id, {ATTEMPT}", tried)
        await connection.execute(_LAST_TURN, max((delivery.turn or 0 for _, _, delivery in deliveries), default=0))
        held = [(seq, event.source, event.key, event.id) for seq, event in numbered]
        await connection.execute(_HOLD_KEYS, *(zip(*held, strict=True) if held else [()] * 4))

    async def _seq(self, connection: Connection, known: tuple[int, list[int]] | None, day: int) -> int:
        return known[0] if known else (await self.event_numbers.take(connection, [day]))[0]

    async def _numbers(
        self, connection: Connection, known: tuple[int, list[int]] | None, count: int, day: int
    ) -> list[int]:
        kept = known[1][:count] if known else []
        return [*kept, *await self.delivery_numbers.take(connection, [day] * (count - len(kept)))]


# Who stands in a line later gets a later turn.
_LAST_TURN = "SELECT setval('turns', greatest($1::bigint, last_value)) FROM turns WHERE $1::bigint > last_value"
_HOLD_KEYS = """
    UPDATE dedupe_keys k SET event_seq = held.seq
    FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[]) AS held (seq, source, key, event_id)
    WHERE k.source = held.source AND k.key = held.key AND k.event_id = held.event_id"""


async def _drop(connection: Connection, event_ids: Sequence[str], day: int) -> dict[str, tuple[int, list[int]]]:
    """Remove events of a day with all that became of them; return the numbers that they and their deliveries had."""
    rows = await connection.fetch(_known(day), event_ids)
    known: dict[str, tuple[int, list[int]]] = {row["id"]: (row["seq"], []) for row in rows}
    by_seq = dict(known.values())
    if not known:
        return known
    for row in await connection.fetch(_DROP_DELIVERIES, list(by_seq), *span(day)):
        by_seq[row["event_seq"]].append(row["id"])
    dropped = [number for numbers in by_seq.values() for number in numbers]
    await connection.execute(_DROP_ATTEMPTS, dropped, *span(day))
    for table, column in (("contents", "event_seq"), ("events", "seq")):
        statement = f"DELETE FROM {table} WHERE {column} = ANY ($1) AND {column} >= $2 AND {column} < $3"
        await connection.execute(statement, list(by_seq), *span(day))
    return {event_id: (seq, sorted(numbers)) for event_id, (seq, numbers) in known.items()}


_DROP_DELIVERIES = """
    DELETE FROM deliveries WHERE event_seq = ANY ($1) AND id >= $2 AND id < $3 RETURNING event_seq, id"""
_DROP_ATTEMPTS = "DELETE FROM attempts WHERE delivery_id = ANY ($1) AND delivery_id >= $2 AND delivery_id < $3"


def _event_row(seq: int, event: MovedEvent) -> tuple[Any, ...]:
    """Write the columns `EVENT`."""
    named = (seq, event.id, event.source, storable(event.type), event.key, event.key_expires_at, event.received_at)
    return (*named, len(event.body), storable(event.verdicts), event.secret_number)


def _delivery_row(number: int, seq: int, delivery: MovedDelivery) -> tuple[Any, ...]:
    """Write the columns `DELIVERY`."""
    counted = (delivery.status, delivery.attempts, delivery.attempts_before)
    times = (delivery.planned_at, delivery.due_at, delivery.deadline_at)
    leased = (delivery.leased_by, delivery.leased_until, delivery.finished_at, storable(delivery.reason))
    order = None if delivery.order_value is None else storable(delivery.order_value)
    return (number, seq, delivery.route, delivery.target, *counted, *times, *leased, order, delivery.turn)


def _attempt_row(number: int, attempt: MovedAttempt) -> tuple[Any, ...]:
    return (number, *attempt._replace(detail=storable(attempt.detail)))


async def _copy(connection: Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=columns.split(", "))


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read_keys(connection: Connection, asked: Span, bounds: Bounds) -> list[MovedKey]:
    """Read the first keys of a span: some of the first source that has any."""
    last = asked.until
    for source in sorted(row["source"] for row in await connection.fetch(_SOURCES)):
        if source < asked.after[0] or (last is not None and source > last[0]):
            continue
        than, after = (">", asked.after[1]) if source == asked.after[0] else (">=", b"")
        until, places = ("AND key <= $4", last[1:]) if last is not None and source == last[0] else ("", ())
        found = await connection.fetch(_KEYS.format(than=than, until=until), source, after, bounds.rows, *places)
        if found:
            return [MovedKey(source, row["key"], row["event_id"], row["expires_at"]) for row in found]
    return []


# The next larger name, again and again: a seek for each source, however many keys each of them has.
_SOURCES = """
    WITH RECURSIVE known (source) AS (
        (SELECT source FROM dedupe_keys ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT source FROM dedupe_keys k WHERE k.source > known.source ORDER BY source LIMIT 1)
        FROM known WHERE source IS NOT NULL)
    SELECT source FROM known WHERE source IS NOT NULL"""
_KEYS = """
    SELECT key, event_id, expires_at FROM dedupe_keys
    WHERE source = $1 AND key {than} $2 {until} ORDER BY key LIMIT $3"""


async def write_keys(connection: Connection, keys: Sequence[MovedKey], gone: Sequence[Place]) -> None:
    """Let keys be held by the events that they name, those purged included; and free others."""
    await connection.executemany("DELETE FROM dedupe_keys WHERE source = $1 AND key = $2", gone)
    seqs = await _seqs(connection, [key.event_id for key in keys])
    rows = [
        (key.source, key.key, seqs.get(key.event_id, NO_EVENT), key.event_id, _named_at(key.event_id), key.expires_at)
        for key in keys
    ]
    await connection.execute(_WRITE_KEYS, *(zip(*rows, strict=True) if rows else [()] * 6))


async def _seqs(connection: Connection, event_ids: Iterable[str]) -> dict[str, int]:
    """Return the numbers of those events that there are."""
    by_day: dict[int, list[str]] = {}
    for event_id in event_ids:
        by_day.setdefault(day_of_event(event_id), []).append(event_id)
    there = set(await days.existing(connection))
    found = [await connection.fetch(_known(day), ids) for day, ids in by_day.items() if day in there]
    return {row["id"]: row["seq"] for rows in found for row in rows}


def _named_at(event_id: str) -> datetime:
    """Return the time that an event's id begins with: when its key was taken."""
    return datetime.fromtimestamp(int(event_id[4:16], 16) / 1000, UTC)


_WRITE_KEYS = """
    INSERT INTO dedupe_keys (source, key, event_seq, event_id, taken_at, expires_at)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    ON CONFLICT (source, key) DO UPDATE
    SET event_seq = excluded.event_seq, event_id = excluded.event_id, taken_at = excluded.taken_at,
        expires_at = excluded.expires_at"""


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read_lanes(connection: Connection, asked: Span, bounds: Bounds) -> list[MovedLane]:
    """Read the first lanes of a span, of those of which there is something to tell."""
    until = None if asked.until is None else asked.until[0]
    chosen = [
        target
        for target in await _targets(connection)
        if target > asked.after[0] and (until is None or target <= until)
    ]
    return [await _lane(connection, target) for target in chosen[: bounds.rows]]


async def _targets(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        f"SELECT target FROM lanes WHERE {_HELD} UNION SELECT target FROM holds UNION SELECT target FROM grants"
    )
    return sorted(row["target"] for row in rows)


async def _lane(connection: Connection, target: str) -> MovedLane:
    lane = await connection.fetchrow("SELECT is_paused, is_tripped, breaker FROM lanes WHERE target = $1", target)
    holds = await connection.fetch(
        "SELECT began_at, ended_at FROM holds WHERE target = $1 ORDER BY began_at, id", target
    )
    grants = await connection.fetch("SELECT at FROM grants WHERE target = $1 ORDER BY at, id", target)
    is_paused, is_tripped, breaker = lane or (False, False, "")
    granted = tuple(row["at"] for row in grants)
    return MovedLane(target, is_paused, is_tripped, breaker, tuple((row[0], row[1]) for row in holds), granted)


async def write_lanes(connection: Connection, lanes: Sequence[MovedLane], gone: Sequence[Place]) -> None:
    """Let targets stand as told, and forget what there was of others."""
    targets = [*(target for target, _ in gone), *(lane.target for lane in lanes)]
    for table in ("lanes", "holds", "grants"):
        await connection.execute(f"DELETE FROM {table} WHERE target = ANY ($1)", targets)
    states = [(lane.target, lane.is_paused, lane.is_tripped, lane.breaker) for lane in lanes]
    await _copy(connection, "lanes", "target, is_paused, is_tripped, breaker", states)
    holds = [(lane.target, *hold) for lane in lanes for hold in lane.holds]
    await _copy(connection, "holds", "target, began_at, ended_at", holds)
    await _copy(connection, "grants", "target, at", [(lane.target, at) for lane in lanes for at in lane.grants])
