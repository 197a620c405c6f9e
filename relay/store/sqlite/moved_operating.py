"""What operators have done, as it is moved: replays, refused requests and minutes. Part of a transaction, all of it."""

import sqlite3
from collections.abc import Sequence

from relay.clock import to_ms
from relay.store.choosing import within
from relay.store.records import MovedFigure, MovedRejection, MovedReplay, Place, names_at, number_at
from relay.store.sqlite.batches import chunks, insert, marks, write
from relay.store.sqlite.rows import from_ms, maybe_from_ms, maybe_to_ms
from relay.store.transfer import Bounds, Span

REPLAY = "id, wanted, only_dead, per_s, state, created_at, due_at, finished_at, position, searched, replayed"
REJECTION = "number, source, refusal, received_at, remote, body_bytes, is_whole, event_id"
FIGURE = "at, what, name, result, count, seconds"


# ── replays ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_replays(connection: sqlite3.Connection, span: Span, bounds: Bounds) -> list[MovedReplay]:
    """Read the first replays of a span."""
    until, places = ("", ()) if span.until is None else ("AND id <= ?", span.until[:1])
    rows = connection.execute(
        f"SELECT {REPLAY} FROM replays WHERE id > ? {until} ORDER BY id LIMIT ?", (span.after[0], *places, bounds.rows)
    )
    return [
        MovedReplay(
            replay_id,
            wanted,
            bool(only_dead),
            per_s,
            state,
            from_ms(created_at),
            from_ms(due_at),
            maybe_from_ms(finished_at),
            *progress,
        )
        for replay_id, wanted, only_dead, per_s, state, created_at, due_at, finished_at, *progress in rows
    ]


def write_replays(connection: sqlite3.Connection, replays: Sequence[MovedReplay], gone: Sequence[Place]) -> None:
    """Put replays in the place of those that are there, and forget others."""
    connection.executemany("DELETE FROM replays WHERE id = ?", [(replay_id,) for replay_id, _ in gone])
    rows = [
        (
            each.id,
            each.wanted,
            each.only_dead,
            each.per_s,
            each.state,
            to_ms(each.created_at),
            to_ms(each.due_at),
            maybe_to_ms(each.finished_at),
            each.position,
            each.searched,
            each.replayed,
        )
        for each in replays
    ]
    write(connection, f"INSERT OR REPLACE INTO replays ({REPLAY})", rows)


# ── refused requests ────────────────────────────────────────────────────────────────────────────────────────────────


def read_rejections(connection: sqlite3.Connection, span: Span, bounds: Bounds) -> list[MovedRejection]:
    """Read the first refused requests of a span."""
    until, places = ("", ()) if span.until is None else ("AND number <= ?", (number_at(span.until),))
    found = connection.execute(
        f"SELECT number, body_bytes FROM rejections WHERE number > ? {until} ORDER BY number LIMIT ?",
        (number_at(span.after), *places, bounds.rows),
    ).fetchall()
    chosen = within(found, bounds.bytes_max)
    return [rejection for chunk in chunks(chosen) for rejection in _rejections(connection, chunk)]


def _rejections(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[MovedRejection]:
    rows = connection.execute(
        f"""
        SELECT r.number, r.source, r.refusal, r.received_at, r.remote, r.is_whole, r.event_id, q.head, q.body
        FROM rejections r JOIN rejected_requests q ON q.number = r.number
        WHERE r.number IN ({marks(len(numbers))}) ORDER BY r.number""",
        numbers,
    )
    return [
        MovedRejection(number, source, refusal, from_ms(received_at), remote, bool(is_whole), *rest)
        for number, source, refusal, received_at, remote, is_whole, *rest in rows
    ]


def write_rejections(
    connection: sqlite3.Connection, rejections: Sequence[MovedRejection], gone: Sequence[Place]
) -> None:
    """Put refused requests in the place of those that are there, and drop others."""
    numbers = [(number_at(place),) for place in [*gone, *(each.place for each in rejections)]]
    for table in ("rejected_requests", "rejections"):
        connection.executemany(f"DELETE FROM {table} WHERE number = ?", numbers)
    rows = [
        (
            each.number,
            each.source,
            each.refusal,
            to_ms(each.received_at),
            each.remote,
            len(each.body),
            each.is_whole,
            each.event_id,
        )
        for each in rejections
    ]
    insert(connection, f"rejections ({REJECTION})", rows)
    requests = [(each.number, each.head, each.body) for each in rejections]
    insert(connection, "rejected_requests (number, head, body)", requests)


# ── minutes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_minutes(connection: sqlite3.Connection, span: Span, bounds: Bounds) -> list[MovedFigure]:
    """Read the first figures of a span."""
    until, places = (
        ("", ()) if span.until is None else ("AND (at, what, name, result) <= (?, ?, ?, ?)", _key(span.until))
    )
    rows = connection.execute(
        f"""
        SELECT {FIGURE} FROM minutes WHERE (at, what, name, result) > (?, ?, ?, ?) {until}
        ORDER BY at, what, name, result LIMIT ?""",
        (*_key(span.after), *places, bounds.rows),
    )
    return [MovedFigure(from_ms(at), *figure) for at, *figure in rows]


def _key(place: Place) -> tuple[int, str, str, str]:
    return number_at(place), *names_at(place)


def write_minutes(connection: sqlite3.Connection, figures: Sequence[MovedFigure], gone: Sequence[Place]) -> None:
    """Let minutes tell these figures, and not others."""
    connection.executemany(
        "DELETE FROM minutes WHERE at = ? AND what = ? AND name = ? AND result = ?", [_key(place) for place in gone]
    )
    rows = [(to_ms(each.at), each.what, each.name, each.result, each.count, each.seconds) for each in figures]
    write(connection, f"INSERT OR REPLACE INTO minutes ({FIGURE})", rows)
