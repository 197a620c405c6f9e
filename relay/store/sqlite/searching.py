"""Search in the file: along the ids where no index leads to what is asked."""

import heapq
import sqlite3
from collections.abc import Sequence
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
from relay.store.sqlite.asking import Asking
from relay.store.sqlite.batches import chunks, marks
from relay.store.sqlite.columns import NEVER_MS
from relay.store.sqlite.rows import from_ms, maybe_from_ms
from relay.store.walking import Trail, step_max, walk

FIRST_ID, END_ID = "evt_", "evt_g"  # every id of an event lies between them
END_NUMBER = 2**63 - 1
READ_WHOLE_BYTES = 256 * 1024  # SQLite reads a body whole where it is asked for a part: larger ones are opened instead
INDEXED = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)  # found by target without a walk


class SqliteSearch:
    """Fulfils `relay.store.ports.search.Search`."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking.ask

    async def events(self, wanted: EventFilter, after: str | None, limit: int, *, bodies: bool = True) -> EventPage:
        """Return events newest first."""
        trail = await self._walk_events(wanted, after, limit, oldest_first=False, bodies=bodies)
        return EventPage(tuple(await self._ask(_load_events, trail.found)), trail.searched, trail.last)

    async def event_ids(self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool) -> EventIds:
        """Return no more than their ids."""
        return EventIds(*await self._walk_events(wanted, after, limit, oldest_first=oldest_first))

    async def deliveries(self, wanted: DeliveryFilter, after: int | None, limit: int) -> DeliveryPage:
        """Return deliveries, the latest first."""
        first, end = await self._ask(_span_of_deliveries, wanted)
        if wanted.status in INDEXED:
            found = await self._ask(_indexed, wanted, first, min(end, after or end), limit + 1)
            ids, last = found[:limit], found[limit - 1] if len(found) > limit else None
            return DeliveryPage(tuple(await self._ask(_load_deliveries, ids)), len(ids), last)

        async def look(number: int | None, step: int) -> Sequence[tuple[int, bool]]:
            return await self._ask(_look_at_deliveries, wanted, first, number or end, step)

        trail = await walk(look, after, limit)
        return DeliveryPage(tuple(await self._ask(_load_deliveries, trail.found)), trail.searched, trail.last)

    async def delivery(self, delivery_id: int) -> DeliveryRow | None:
        """Return one delivery, or None."""
        return next(iter(await self._ask(_load_deliveries, [delivery_id])), None)

    async def _walk_events(
        self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool, bodies: bool = True
    ) -> Trail[str]:
        async def look(event_id: str | None, step: int) -> Sequence[tuple[str, bool]]:
            return await self._ask(_look_at_events, wanted, event_id, step, oldest_first, bodies)

        return await walk(look, after, limit, step_max=step_max(wanted, bodies=bodies))


def _look_at_events(
    connection: sqlite3.Connection,
    wanted: EventFilter,
    after: str | None,
    limit: int,
    oldest_first: bool,
    bodies: bool,
) -> list[tuple[str, bool]]:
    first, end = _span_of_events(wanted)
    if oldest_first:
        first = max(first, f"{after}\0") if after else first  # the next text there is
    else:
        end = min(end, after) if after else end
    fits, values = _fits(wanted, bodies=bodies)
    rows = connection.execute(
        f"""
        SELECT e.id, {fits} FROM events e {"JOIN contents c ON c.event_seq = e.seq" if wanted.text and bodies else ""}
        WHERE e.id >= ? AND e.id < ? ORDER BY e.id {"ASC" if oldest_first else "DESC"} LIMIT ?""",
        (*values, first, end, limit),
    )
    return [(event_id, bool(is_fit)) for event_id, is_fit in rows]


def _span_of_events(wanted: EventFilter | DeliveryFilter) -> tuple[str, str]:
    """Return where the ids of a time begin, and where they end. An id begins with its time."""
    first = id_at(wanted.since) if wanted.since else FIRST_ID
    return first, id_at(wanted.until) if wanted.until else END_ID


def id_at(time: datetime) -> str:
    """Return what the ids of all events begin after that were received at a time or later."""
    return f"evt_{max(0, to_ms(time)):012x}"


def _fits(wanted: EventFilter, *, bodies: bool) -> tuple[str, list[Any]]:
    """Return the condition of a filter, but for its times, and its values in order."""
    conditions: list[tuple[str, Sequence[Any]]] = [("1", ())]
    if wanted.source is not None:
        conditions.append(("e.source = ?", (wanted.source,)))
    if wanted.type is not None:
        conditions.append(("e.type = ?", (wanted.type,)))
    if wanted.target is not None:
        conditions.append((_TO_TARGET, (wanted.target,)))
    if wanted.status is not None:
        conditions.append((f"{_RANK} = ?", (RANKS[wanted.status],)))
    if wanted.text:
        conditions.append(_mentions(wanted.text, bodies=bodies))
    return " AND ".join(sql for sql, _ in conditions), [value for _, values in conditions for value in values]


def _mentions(text: str, *, bodies: bool) -> tuple[str, list[Any]]:
    parts = ["instr(e.id, ?)"]
    values: list[Any] = [text.encode("utf-8", "replace").decode()]
    places = ["instr(e.key, ?)", f"instr({_HEAD}, ?)"] if bodies else ["instr(e.key, ?)"]
    for needle in needles(text):
        parts += places
        values += [needle] * len(places)
    return f"({' OR '.join(parts)})", values


_IS_LARGE = f"e.body_bytes > {READ_WHOLE_BYTES}"
_HEAD = f"CASE WHEN {_IS_LARGE} THEN head_of_body(e.seq) ELSE substr(c.body, 1, {TEXT_BYTES_MAX}) END"
_TO_TARGET = "EXISTS (SELECT 1 FROM deliveries d WHERE d.event_seq = e.seq AND d.target = ?)"
_RANK = """
    coalesce((SELECT max(CASE d.status WHEN 'dead' THEN 4 WHEN 'cancelled' THEN 2 WHEN 'delivered' THEN 1 ELSE 3 END)
        FROM deliveries d WHERE d.event_seq = e.seq), 0)"""


def _load_events(connection: sqlite3.Connection, ids: Sequence[str]) -> list[EventRow]:
    """Read events in the order of `ids`."""
    rows = {
        row[1]: row
        for chunk in chunks(ids)
        for row in connection.execute(
            f"""
            SELECT seq, id, source, type, key, received_at, body_bytes FROM events WHERE id IN ({marks(len(chunk))})""",
            chunk,
        )
    }
    deliveries: dict[int, list[tuple[str, DeliveryStatus]]] = {}
    for chunk in chunks([row[0] for row in rows.values()]):
        for seq, target, status in connection.execute(
            f"SELECT event_seq, target, status FROM deliveries WHERE event_seq IN ({marks(len(chunk))}) ORDER BY id",
            chunk,
        ):
            deliveries.setdefault(seq, []).append((target, DeliveryStatus(status)))
    return [_event_row(rows[each], deliveries.get(rows[each][0], ())) for each in ids if each in rows]


def _event_row(row: tuple[Any, ...], deliveries: Sequence[tuple[str, DeliveryStatus]]) -> EventRow:
    _, event_id, source, type_, key, received_at, body_bytes = row
    return EventRow(event_id, source, type_, key, from_ms(received_at), body_bytes, tuple(deliveries))


def _span_of_deliveries(connection: sqlite3.Connection, wanted: DeliveryFilter) -> tuple[int, int]:
    """Return where the numbers of the deliveries of a time begin, and where they end: they grow with their events'."""
    first, end = _span_of_events(wanted)
    return (
        _first_delivery(connection, first) if wanted.since else 0,
        _first_delivery(connection, end) if wanted.until else END_NUMBER,
    )


def _first_delivery(connection: sqlite3.Connection, event_id: str) -> int:
    row = connection.execute(
        """
        SELECT id FROM deliveries WHERE event_seq >= (SELECT seq FROM events WHERE id >= ? ORDER BY id LIMIT 1)
        ORDER BY event_seq, id LIMIT 1""",
        (event_id,),
    ).fetchone()
    return int(row[0]) if row else END_NUMBER


def _indexed(connection: sqlite3.Connection, wanted: DeliveryFilter, first: int, end: int, limit: int) -> list[int]:
    """List deliveries of a status that has an index: a seek for each target."""
    assert wanted.status is not None  # noqa: S101 - the caller has looked
    targets = [wanted.target] if wanted.target else [name for (name,) in connection.execute("SELECT target FROM lanes")]
    found = [
        number
        for target in targets
        for (number,) in connection.execute(
            f"""
            SELECT id FROM deliveries WHERE status = '{wanted.status.value}' AND target = ? AND id >= ? AND id < ?
            ORDER BY id DESC LIMIT ?""",
            (target, first, end, limit),
        )
    ]
    return heapq.nlargest(limit, found)


def _look_at_deliveries(
    connection: sqlite3.Connection, wanted: DeliveryFilter, first: int, end: int, limit: int
) -> list[tuple[int, bool]]:
    rows = connection.execute(
        """
        SELECT id, (:target IS NULL OR target = :target) AND (:status IS NULL OR status = :status)
        FROM deliveries WHERE id >= :first AND id < :end ORDER BY id DESC LIMIT :limit""",
        {"target": wanted.target, "status": wanted.status, "first": first, "end": end, "limit": limit},
    )
    return [(number, bool(fits)) for number, fits in rows]


def _load_deliveries(connection: sqlite3.Connection, ids: Sequence[int]) -> list[DeliveryRow]:
    """Read deliveries in the order of `ids`."""
    rows = {row[0]: row for chunk in chunks(ids) for row in connection.execute(_load_sql(len(chunk)), chunk)}
    return [_delivery_row(rows[each]) for each in ids if each in rows]


def _load_sql(count: int) -> str:
    return f"""
        SELECT d.id, e.id, e.source, e.type, d.target, d.route, d.status, d.attempts, d.planned_at, d.due_at,
            d.finished_at, d.reason
        FROM deliveries d JOIN events e ON e.seq = d.event_seq WHERE d.id IN ({marks(count)})"""


def _delivery_row(row: tuple[Any, ...]) -> DeliveryRow:
    number, event_id, source, type_, target, route, status, attempts, planned_at, due_at, finished_at, reason = row
    is_due = finished_at is None and due_at < NEVER_MS
    return DeliveryRow(
        number,
        event_id,
        source,
        type_,
        target,
        route,
        DeliveryStatus(status),
        attempts,
        from_ms(planned_at),
        from_ms(due_at) if is_due else None,
        maybe_from_ms(finished_at),
        reason,
    )
