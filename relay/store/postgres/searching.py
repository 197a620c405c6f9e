"""Search in the database: along the ids where no index leads to what is asked."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from relay.clock import to_ms
from relay.domain import DeliveryStatus
from relay.store.ports.search import (
    RANKS,
    DeliveryFilter,
    DeliveryPage,
    DeliveryRow,
    EventFilter,
    EventIds,
    EventPage,
    EventRow,
    needles,
)
from relay.store.ports.text import TEXT_BYTES_MAX
from relay.store.postgres.days import existing
from relay.store.postgres.numbers import END, Stretch, by_day, day_of, day_of_event, span, span_of_days, weeks
from relay.store.postgres.rows import NEVER, Record, its_event
from relay.store.postgres.session import Session
from relay.store.walking import Trail, step_max, walk

FIRST_ID, END_ID = "evt_", "evt_g"  # every id of an event lies between them
INDEXED = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)  # found by target without a walk

InDays = Callable[[Stretch], str]  # a statement that looks into these days and no others


class PostgresSearch:
    """Fulfils `relay.store.ports.search.Search`.

    The numbers of deliveries grow with time, but those of two processes are mixed within a day.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def events(self, wanted: EventFilter, after: str | None, limit: int, *, bodies: bool = True) -> EventPage:
        """Return events newest first."""
        trail, numbers = await self._walk_events(wanted, after, limit, oldest_first=False, bodies=bodies)
        events = await self._load_events([numbers[event_id] for event_id in trail.found])
        return EventPage(tuple(events), trail.searched, trail.last)

    async def event_ids(self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool) -> EventIds:
        """Return no more than their ids."""
        trail, _ = await self._walk_events(wanted, after, limit, oldest_first=oldest_first)
        return EventIds(*trail)

    async def deliveries(self, wanted: DeliveryFilter, after: int | None, limit: int) -> DeliveryPage:
        """Return deliveries, the latest first."""
        is_indexed = wanted.status in INDEXED
        statement = _indexed(wanted.status) if is_indexed else _look_at_deliveries
        values = () if is_indexed else (wanted.status,)

        async def look(number: int | None, step: int) -> Sequence[tuple[int, bool]]:
            asked, times = _asked(wanted, number)
            told = (wanted.target, *asked, *times, *values)
            rows = await self._week_by_week(statement, asked, step, told, oldest_first=False)
            return [(row["id"], bool(row["fits"])) for row in rows]

        trail = await walk(look, after, limit)
        return DeliveryPage(tuple(await self._load_deliveries(trail.found)), trail.searched, trail.last)

    async def delivery(self, delivery_id: int) -> DeliveryRow | None:
        """Return one delivery, or None."""
        return next(iter(await self._load_deliveries([delivery_id])), None)

    async def _walk_events(
        self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool, bodies: bool = True
    ) -> tuple[Trail[str], dict[str, int]]:
        """Return the ids of events that fit, and their numbers: by these they are read without a search."""
        statement, values = _look_at_events(wanted, oldest_first=oldest_first, bodies=bodies)
        numbers: dict[str, int] = {}

        async def look(event_id: str | None, step: int) -> Sequence[tuple[str, bool]]:
            first, end = _between(wanted, event_id, oldest_first=oldest_first)
            asked = _numbers_of(first, end)
            told = (first, end, *asked, *values)
            rows = await self._week_by_week(statement, asked, step, told, oldest_first=oldest_first)
            numbers.update((row["id"], row["seq"]) for row in rows if row["fits"])
            return [(row["id"], bool(row["fits"])) for row in rows]

        trail = await walk(look, after, limit, step_max=step_max(wanted, bodies=bodies))
        return trail, numbers

    async def _load_events(self, seqs: Sequence[int]) -> list[EventRow]:
        """Read events in the order of `seqs`."""
        rows = {row["seq"]: row for row in await self._day_by_day(_load_events, seqs)}
        return [_event_row(rows[each]) for each in seqs if each in rows]

    async def _load_deliveries(self, ids: Sequence[int]) -> list[DeliveryRow]:
        """Read deliveries in the order of `ids`."""
        rows = {row["id"]: row for row in await self._day_by_day(_load_deliveries, ids)}
        return [_delivery_row(rows[each]) for each in ids if each in rows]

    async def _week_by_week(
        self, statement: InDays, within: Stretch, limit: int, told: Sequence[Any], *, oldest_first: bool
    ) -> list[Record]:
        """Ask for rows in order of their days until there are enough. told: from the second value on."""
        async with self._session.used() as connection:
            days = await existing(connection)
        found: list[Record] = []
        asked = weeks(day for day in days if span(day).meets(within))
        for week in asked if oldest_first else reversed(asked):
            if len(found) < limit:
                found += await self._fetch(statement(span_of_days(week)), limit - len(found), *told)
        return found

    async def _day_by_day(self, statement: InDays, numbers: Sequence[int]) -> list[Record]:
        """Ask for rows by their numbers."""
        return [row for days, of_day in by_day(numbers) for row in await self._fetch(statement(days), of_day)]

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


def _numbers_of(first: str, end: str) -> Stretch:
    """Return the numbers of the days of these ids, so that no other day is looked into."""
    return Stretch(
        span(day_of_event(first))[0] if len(first) > len(FIRST_ID) else 0,
        span(day_of_event(end))[1] if end != END_ID else END,
    )


def _look_at_events(wanted: EventFilter, *, oldest_first: bool, bodies: bool) -> tuple[InDays, list[Any]]:
    """Return what looks at the next events of some days, and its values from the sixth on."""
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
            f"EXISTS (SELECT FROM deliveries d WHERE {{its}} AND d.target = {value(wanted.target, 'text')})"
        )
    if wanted.status is not None:
        conditions.append(f"{_RANK} = {value(RANKS[wanted.status], 'int')}")
    if wanted.text:
        parts = [f"position({value(wanted.text.encode('utf-8', 'replace').decode(), 'text')} IN e.id) > 0"]
        for needle in needles(wanted.text):
            mark = value(needle, "bytea")
            parts += [f"position({mark} IN {place}) > 0" for place in (["e.key", _HEAD] if bodies else ["e.key"])]
        conditions.append(f"({' OR '.join(parts)})")
    fits = " AND ".join(conditions)
    needs_contents = wanted.text and bodies

    def statement(days: Stretch) -> str:
        contents = f"JOIN contents c ON c.event_seq = e.seq AND {days.has('c.event_seq')}" if needs_contents else ""
        return f"""
        SELECT e.id, e.seq, {fits.format(its=_its(days))} AS fits FROM events e {contents}
        WHERE e.id >= $2 AND e.id < $3 AND e.seq >= $4 AND e.seq < $5 AND {days.has("e.seq")}
        ORDER BY e.id {"ASC" if oldest_first else "DESC"} LIMIT $1"""

    return statement, values


def _its(days: Stretch) -> str:
    """Return the condition that a delivery is an event's, both of these days: it has a number of the event's day."""
    its_day = "d.id >= (e.seq >> 36) << 36 AND d.id < ((e.seq >> 36) + 1) << 36"
    return f"d.event_seq = e.seq AND {its_day} AND {days.has('d.id')}"


_RANK = """
    coalesce((SELECT max(CASE d.status WHEN 'dead' THEN 4 WHEN 'cancelled' THEN 2 WHEN 'delivered' THEN 1 ELSE 3 END)
        FROM deliveries d WHERE {its}), 0)"""
_HEAD = f"substring(c.body FROM 1 FOR {TEXT_BYTES_MAX})"


def _load_events(days: Stretch) -> str:
    """Return what loads events by their numbers.

    An order by the number itself would do, and lead the planner to all numbers of a small day, for each event anew.
    """
    return f"""
    SELECT e.seq, e.id, e.source, e.type, e.key, e.received_at, e.body_bytes,
        ARRAY(SELECT d.target FROM deliveries d WHERE {_its(days)} ORDER BY d.id + 0) AS targets,
        ARRAY(SELECT d.status FROM deliveries d WHERE {_its(days)} ORDER BY d.id + 0) AS statuses
    FROM events e WHERE {days.has("e.seq")} AND e.seq = ANY ($1::bigint[])"""


def _event_row(row: Record) -> EventRow:
    deliveries = tuple(zip(row["targets"], map(DeliveryStatus, row["statuses"]), strict=True))
    named = (row["id"], row["source"], row["type"], row["key"])
    return EventRow(*named, row["received_at"], row["body_bytes"], deliveries)


def _asked(wanted: DeliveryFilter, after: int | None) -> tuple[Stretch, tuple[str | None, str | None]]:
    """Return the numbers to look at, and the ids of events between which theirs are to be."""
    first = span(day_of(wanted.since)).first if wanted.since else 0
    end = span(day_of(wanted.until)).end if wanted.until else END
    since, until = id_at(wanted.since) if wanted.since else None, id_at(wanted.until) if wanted.until else None
    return Stretch(first, min(end, after or end)), (since, until)


def _of_time(days: Stretch) -> str:
    """Return the condition on time. The id itself is asked for: whether there is one would be looked up in all ids."""
    event_id = f"(SELECT e.id FROM events e WHERE e.seq = d.event_seq AND {days.has('e.seq')})"
    return f"($5::text IS NULL OR {event_id} >= $5) AND ($6::text IS NULL OR {event_id} < $6)"


def _indexed(status: DeliveryStatus | None) -> InDays:
    """Return what finds deliveries of a status that has an index: a seek for each target."""
    assert status is not None  # noqa: S101 - the caller has looked
    return lambda days: (
        f"""
        SELECT found.id, found.fits
        FROM (SELECT target FROM lanes UNION SELECT target FROM lane_counts) AS lane (target),
            LATERAL (SELECT d.id, {_of_time(days)} AS fits FROM deliveries d
                WHERE d.status = '{status.value}' AND d.target = lane.target AND d.id >= $3 AND d.id < $4
                    AND {days.has("d.id")}
                ORDER BY d.id DESC LIMIT $1) AS found
        WHERE $2::text IS NULL OR lane.target = $2
        ORDER BY found.id DESC LIMIT $1"""
    )


def _look_at_deliveries(days: Stretch) -> str:
    fits = f"($2::text IS NULL OR d.target = $2) AND ($7::text IS NULL OR d.status = $7) AND {_of_time(days)}"
    return f"""
    SELECT d.id, {fits} AS fits FROM deliveries d WHERE d.id >= $3 AND d.id < $4 AND {days.has("d.id")}
    ORDER BY d.id DESC LIMIT $1"""


def _load_deliveries(days: Stretch) -> str:
    return f"""
    SELECT d.id, e.id AS event_id, e.source, e.type, d.target, d.route, d.status, d.attempts, d.planned_at, d.due_at,
        d.finished_at, d.reason
    FROM deliveries d {its_event(days)} WHERE {days.has("d.id")} AND d.id = ANY ($1::bigint[])"""


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
