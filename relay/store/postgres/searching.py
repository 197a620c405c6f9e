"""Search in the database: along the ids where no index leads to what is asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from relay.clock import to_ms
from relay.domain import DeliveryStatus
from relay.store.ports.search import (
    RANKS,
    TEXT_BYTES_MAX,
    DeliveryFilter,
    DeliveryPage,
    DeliveryRow,
    EventFilter,
    EventIds,
    EventPage,
    EventRow,
    needles,
)
from relay.store.postgres.numbers import day_of, day_of_event, span
from relay.store.postgres.rows import NEVER, Record
from relay.store.postgres.session import Session
from relay.store.walking import STEP_BODIES_MAX, STEP_ROWS_MAX, Trail, walk

FIRST_ID, END_ID = "evt_", "evt_g"  # every id of an event lies between them
END_NUMBER = 2**63 - 1
INDEXED = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)  # found by target without a walk


class PostgresSearch:
    """Fulfils `relay.store.ports.search.Search`.

    The numbers of deliveries grow with time, but those of two processes are mixed within a day.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def events(self, wanted: EventFilter, after: str | None, limit: int) -> EventPage:
        """Return events newest first."""
        trail, numbers = await self._walk_events(wanted, after, limit, oldest_first=False)
        events = await self._load_events([numbers[event_id] for event_id in trail.found])
        return EventPage(tuple(events), trail.searched, trail.last)

    async def event_ids(self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool) -> EventIds:
        """Return no more than their ids."""
        trail, _ = await self._walk_events(wanted, after, limit, oldest_first=oldest_first)
        return EventIds(*trail)

    async def deliveries(self, wanted: DeliveryFilter, after: int | None, limit: int) -> DeliveryPage:
        """Return deliveries, the latest first."""
        is_indexed = wanted.status in INDEXED
        statement = _indexed(wanted) if is_indexed else _LOOK_AT_DELIVERIES
        values = () if is_indexed else (wanted.status,)

        async def look(number: int | None, step: int) -> Sequence[tuple[int, bool]]:
            rows = await self._fetch(statement, *_asked(wanted, number, step), *values)
            return [(row["id"], bool(row["fits"])) for row in rows]

        trail = await walk(look, after, limit)
        return DeliveryPage(tuple(await self._load_deliveries(trail.found)), trail.searched, trail.last)

    async def delivery(self, delivery_id: int) -> DeliveryRow | None:
        """Return one delivery, or None."""
        return next(iter(await self._load_deliveries([delivery_id])), None)

    async def _walk_events(
        self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool
    ) -> tuple[Trail[str], dict[str, int]]:
        """Return the ids of events that fit, and their numbers: by these they are read without a search."""
        statement, values = _look_at_events(wanted, oldest_first=oldest_first)
        numbers: dict[str, int] = {}

        async def look(event_id: str | None, step: int) -> Sequence[tuple[str, bool]]:
            first, end = _between(wanted, event_id, oldest_first=oldest_first)
            rows = await self._fetch(statement, first, end, *_numbers_of(first, end), step, *values)
            numbers.update((row["id"], row["seq"]) for row in rows if row["fits"])
            return [(row["id"], bool(row["fits"])) for row in rows]

        trail = await walk(look, after, limit, step_max=STEP_BODIES_MAX if wanted.text else STEP_ROWS_MAX)
        return trail, numbers

    async def _load_events(self, seqs: Sequence[int]) -> list[EventRow]:
        """Read events in the order of `seqs`."""
        rows = {row["seq"]: row for row in await self._fetch(_LOAD_EVENTS, list(seqs))}
        return [_event_row(rows[each]) for each in seqs if each in rows]

    async def _load_deliveries(self, ids: Sequence[int]) -> list[DeliveryRow]:
        """Read deliveries in the order of `ids`."""
        rows = {row["id"]: row for row in await self._fetch(_LOAD_DELIVERIES, list(ids))}
        return [_delivery_row(rows[each]) for each in ids if each in rows]

    async def _fetch(self, statement: str, *values: Any) -> list[Record]:
        async with self._session.used() as connection:
            return await connection.fetch(statement, *values)


def _between(wanted: EventFilter, after: str | None, *, oldest_first: bool) -> tuple[str, str]:
    """Return where the ids to look at begin, and where they end. An id begins with its time."""
    first = id_at(wanted.since) if wanted.since else FIRST_ID
    end = id_at(wanted.until) if wanted.until else END_ID
    if after is None:
        return first, end
    return (max(first, f"{after} "), end) if oldest_first else (first, min(end, after))  # a blank: the next text


def id_at(time: datetime) -> str:
    """Return what the ids of all events begin after that were received at a time or later."""
    return f"evt_{max(0, to_ms(time)):012x}"


def _numbers_of(first: str, end: str) -> tuple[int, int]:
    """Return the numbers of the days of these ids, so that no other day is looked into."""
    return (
        span(day_of_event(first))[0] if len(first) > len(FIRST_ID) else 0,
        span(day_of_event(end))[1] if end != END_ID else END_NUMBER,
    )


def _look_at_events(wanted: EventFilter, *, oldest_first: bool) -> tuple[str, list[Any]]:
    """Return what looks at the next events, and its values from the sixth on."""
    conditions, values = ["true"], list[Any]()

    def value(given: object, kind: str) -> str:
        values.append(given)
        return f"${5 + len(values)}::{kind}"

    if wanted.source is not None:
        conditions.append(f"e.source = {value(wanted.source, 'text')}")
    if wanted.type is not None:
        conditions.append(f"e.type = {value(wanted.type, 'text')}")
    if wanted.target is not None:
        conditions.append(
            f"EXISTS (SELECT FROM deliveries d WHERE {_ITS} AND d.target = {value(wanted.target, 'text')})"
        )
    if wanted.status is not None:
        conditions.append(f"{_RANK} = {value(RANKS[wanted.status], 'int')}")
    if wanted.text:
        parts = [f"position({value(wanted.text.encode('utf-8', 'replace').decode(), 'text')} IN e.id) > 0"]
        for needle in needles(wanted.text):
            mark = value(needle, "bytea")
            parts += [f"position({mark} IN e.key) > 0", f"position({mark} IN {_HEAD}) > 0"]
        conditions.append(f"({' OR '.join(parts)})")
    statement = f"""
        SELECT e.id, e.seq, {" AND ".join(conditions)} AS fits
        FROM events e {"JOIN contents c ON c.event_seq = e.seq" if wanted.text else ""}
        WHERE e.id >= $1 AND e.id < $2 AND e.seq >= $3 AND e.seq < $4
        ORDER BY e.id {"ASC" if oldest_first else "DESC"} LIMIT $5"""
    return statement, values


# The deliveries of an event have numbers of its day.
_ITS = "d.event_seq = e.seq AND d.id >= (e.seq >> 36) << 36 AND d.id < ((e.seq >> 36) + 1) << 36"
_RANK = f"""
    coalesce((SELECT max(CASE d.status WHEN 'dead' THEN 4 WHEN 'cancelled' THEN 2 WHEN 'delivered' THEN 1 ELSE 3 END)
        FROM deliveries d WHERE {_ITS}), 0)"""
_HEAD = f"substring(c.body FROM 1 FOR {TEXT_BYTES_MAX})"

_LOAD_EVENTS = f"""
    SELECT e.seq, e.id, e.source, e.type, e.key, e.received_at, e.body_bytes,
        ARRAY(SELECT d.target FROM deliveries d WHERE {_ITS} ORDER BY d.id) AS targets,
        ARRAY(SELECT d.status FROM deliveries d WHERE {_ITS} ORDER BY d.id) AS statuses
    FROM unnest($1::bigint[]) AS asked (seq) JOIN events e ON e.seq = asked.seq"""


def _event_row(row: Record) -> EventRow:
    deliveries = tuple(zip(row["targets"], map(DeliveryStatus, row["statuses"]), strict=True))
    named = (row["id"], row["source"], row["type"], row["key"])
    return EventRow(*named, row["received_at"], row["body_bytes"], deliveries)


def _asked(wanted: DeliveryFilter, after: int | None, limit: int) -> tuple[Any, ...]:
    """Return the first values of every question for deliveries: target, numbers, ids of events, limit."""
    first = span(day_of(wanted.since))[0] if wanted.since else 0
    end = span(day_of(wanted.until))[1] if wanted.until else END_NUMBER
    since, until = id_at(wanted.since) if wanted.since else None, id_at(wanted.until) if wanted.until else None
    return wanted.target, first, min(end, after or end), since, until, limit


# The id itself is asked for: whether there is such an event would be answered from a table made of all there are.
_OF_TIME = """
    ($4::text IS NULL OR (SELECT e.id FROM events e WHERE e.seq = d.event_seq) >= $4)
    AND ($5::text IS NULL OR (SELECT e.id FROM events e WHERE e.seq = d.event_seq) < $5)"""


def _indexed(wanted: DeliveryFilter) -> str:
    """Return what finds deliveries of a status that has an index: a seek for each target."""
    assert wanted.status is not None  # noqa: S101 - the caller has looked
    return f"""
        SELECT found.id, found.fits
        FROM (SELECT target FROM lanes UNION SELECT target FROM lane_counts) AS lane (target),
            LATERAL (SELECT d.id, {_OF_TIME} AS fits FROM deliveries d
                WHERE d.status = '{wanted.status.value}' AND d.target = lane.target AND d.id >= $2 AND d.id < $3
                ORDER BY d.id DESC LIMIT $6) AS found
        WHERE $1::text IS NULL OR lane.target = $1
        ORDER BY found.id DESC LIMIT $6"""


_LOOK_AT_DELIVERIES = f"""
    SELECT d.id, ($1::text IS NULL OR d.target = $1) AND ($7::text IS NULL OR d.status = $7) AND {_OF_TIME} AS fits
    FROM deliveries d WHERE d.id >= $2 AND d.id < $3 ORDER BY d.id DESC LIMIT $6"""

_LOAD_DELIVERIES = """
    SELECT d.id, e.id AS event_id, e.source, e.type, d.target, d.route, d.status, d.attempts, d.planned_at, d.due_at,
        d.finished_at, d.reason
    FROM unnest($1::bigint[]) AS asked (id) JOIN deliveries d ON d.id = asked.id JOIN events e ON e.seq = d.event_seq"""


def _delivery_row(row: Record) -> DeliveryRow:
    is_due = row["finished_at"] is None and row["due_at"] < NEVER
    return DeliveryRow(
        row["id"],
        row["event_id"],
        row["source"],
        row["type"],
        row["target"],
        row["route"],
        DeliveryStatus(row["status"]),
        row["attempts"],
        row["planned_at"],
        row["due_at"] if is_due else None,
        row["finished_at"],
        row["reason"],
    )
