"""What operators have done, as it is moved: replays, refused requests and minutes. Part of a transaction, all of it."""

from collections.abc import Sequence
from typing import Any

from relay.store.choosing import within
from relay.store.postgres.dialling import Connection
from relay.store.records import MovedFigure, MovedRejection, MovedReplay, Place, names_at, number_at, time_at
from relay.store.texts import storable
from relay.store.transfer import Bounds, Span

REPLAY = "id, wanted, only_dead, per_s, state, created_at, due_at, finished_at, position, searched, replayed"
REJECTION = "number, source, refusal, received_at, remote, body_bytes, is_whole, event_id"
FIGURE = "at, what, name, result, count, seconds"


# ── replays ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read_replays(connection: Connection, asked: Span, bounds: Bounds) -> list[MovedReplay]:
    """Read the first replays of a span."""
    until, places = ("", ()) if asked.until is None else ("AND id <= $3", asked.until[:1])
    statement = f"SELECT {REPLAY} FROM replays WHERE id > $1 {until} ORDER BY id LIMIT $2"
    return [MovedReplay(*row) for row in await connection.fetch(statement, asked.after[0], bounds.rows, *places)]


async def write_replays(connection: Connection, replays: Sequence[MovedReplay], gone: Sequence[Place]) -> None:
    """Put replays in the place of those that are there, and forget others."""
    ids = [*(replay_id for replay_id, _ in gone), *(each.id for each in replays)]
    await connection.execute("DELETE FROM replays WHERE id = ANY ($1)", ids)
    rows = [
        (
            each.id,
            storable(each.wanted),
            each.only_dead,
            each.per_s,
            each.state,
            each.created_at,
            each.due_at,
            each.finished_at,
            each.position,
            each.searched,
            each.replayed,
        )
        for each in replays
    ]
    await connection.copy_records_to_table("replays", records=rows, columns=REPLAY.split(", "))


# ── refused requests ────────────────────────────────────────────────────────────────────────────────────────────────


async def read_rejections(connection: Connection, asked: Span, bounds: Bounds) -> list[MovedRejection]:
    """Read the first refused requests of a span."""
    until, places = ("", ()) if asked.until is None else ("AND number <= $3", (number_at(asked.until),))
    statement = f"SELECT number, body_bytes FROM rejections WHERE number > $1 {until} ORDER BY number LIMIT $2"
    found = await connection.fetch(statement, number_at(asked.after), bounds.rows, *places)
    chosen = within([(row["number"], row["body_bytes"]) for row in found], bounds.bytes_max)
    return [MovedRejection(*row) for row in await connection.fetch(_REJECTIONS, chosen)]


_REJECTIONS = """
    SELECT r.number, r.source, r.refusal, r.received_at, r.remote, r.is_whole, r.event_id, q.head, q.body
    FROM rejections r JOIN rejected_requests q ON q.number = r.number WHERE r.number = ANY ($1) ORDER BY r.number"""


async def write_rejections(connection: Connection, rejections: Sequence[MovedRejection], gone: Sequence[Place]) -> None:
    """Put refused requests in the place of those that are there, and drop others. New ones get higher numbers."""
    numbers = [number_at(place) for place in [*gone, *(each.place for each in rejections)]]
    await connection.execute("DELETE FROM rejections WHERE number = ANY ($1)", numbers)
    rows = [
        (
            each.number,
            each.source,
            each.refusal,
            each.received_at,
            storable(each.remote),
            len(each.body),
            each.is_whole,
            each.event_id,
        )
        for each in rejections
    ]
    await connection.copy_records_to_table("rejections", records=rows, columns=REJECTION.split(", "))
    requests = [(each.number, each.head, each.body) for each in rejections]
    await connection.copy_records_to_table("rejected_requests", records=requests, columns=["number", "head", "body"])
    await connection.execute(_LAST_NUMBER)


_LAST_NUMBER = "SELECT setval(pg_get_serial_sequence('rejections', 'number'), max(number)) FROM rejections"


# ── minutes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read_minutes(connection: Connection, asked: Span, bounds: Bounds) -> list[MovedFigure]:
    """Read the first figures of a span."""
    until, places = ("", ()) if asked.until is None else (_UNTIL, _key(asked.until))
    rows = await connection.fetch(_FIGURES.format(until=until), *_key(asked.after), bounds.rows, *places)
    return [MovedFigure(*row) for row in rows]


def _key(place: Place) -> tuple[Any, ...]:
    return time_at(place), *names_at(place)


# In the order of bytes, which may not be the database's own: the index leads to a minute, and its few are sorted.
_NAMES = 'what COLLATE "C", name COLLATE "C", result COLLATE "C"'
_UNTIL = f"AND at <= $6 AND (at < $6 OR ({_NAMES}) <= ($7, $8, $9))"
_FIGURES = f"""
    SELECT {FIGURE} FROM minutes WHERE at >= $1 AND (at > $1 OR ({_NAMES}) > ($2, $3, $4)) {{until}}
    ORDER BY at, {_NAMES} LIMIT $5"""


async def write_minutes(connection: Connection, figures: Sequence[MovedFigure], gone: Sequence[Place]) -> None:
    """Let minutes tell these figures, and not others."""
    keys = [_key(place) for place in [*gone, *(each.place for each in figures)]]
    await connection.executemany(_DROP_FIGURE, keys)
    rows = [(each.at, each.what, each.name, each.result, each.count, each.seconds) for each in figures]
    await connection.copy_records_to_table("minutes", records=rows, columns=FIGURE.split(", "))


_DROP_FIGURE = "DELETE FROM minutes WHERE at = $1 AND what = $2 AND name = $3 AND result = $4"
