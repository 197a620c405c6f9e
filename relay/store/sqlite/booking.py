"""Small tables that operators read: minutes, replays, refused requests. Times in milliseconds."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from relay.store.ports.text import TEXT_BYTES_MAX
from relay.store.sqlite.accepting import FINAL, Revival, replay
from relay.store.sqlite.batches import chunks, marks, write

DEAD = ("dead",)


class Minute(NamedTuple):
    """Rows to be added to; and from when on minutes are kept."""

    rows: Sequence[tuple[Any, ...]]
    before: int


class Advance(NamedTuple):
    """A step of a job: from one position to the next, unless another process has taken it."""

    replay_id: str
    from_position: str | None
    to_position: str | None
    searched: int
    due_at: int
    finished_at: int | None  # set iff it is the last step
    event_ids: Sequence[str]
    target: str | None
    only_dead: bool
    now: int


class Heap(NamedTuple):
    """Refused requests to be kept, and what is kept then. rows: (columns of `rejections`, head, body)."""

    rows: Sequence[tuple[tuple[Any, ...], bytes, bytes]]
    before: int
    count_max: int
    body_bytes_max: int


def add_minute(connection: sqlite3.Connection, wishes: Sequence[Minute]) -> list[None]:
    """Add to minutes; forget old ones."""
    for wish in wishes:
        connection.executemany(
            """
            INSERT INTO minutes (at, what, name, result, count, seconds) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (at, what, name, result) DO UPDATE
            SET count = count + excluded.count, seconds = seconds + excluded.seconds""",
            wish.rows,
        )
        connection.execute("DELETE FROM minutes WHERE at < ?", (wish.before,))
    return [None] * len(wishes)


def minutes(connection: sqlite3.Connection, since: int, until: int) -> list[tuple[Any, ...]]:
    """List the figures of a time, in order."""
    return connection.execute(
        """
        SELECT at, what, name, result, count, seconds FROM minutes WHERE at >= ? AND at < ?
        ORDER BY at, what, name, result""",
        (since, until),
    ).fetchall()


def steps(connection: sqlite3.Connection, since: int, until: int, step: int) -> list[tuple[Any, ...]]:
    """List the figures of a time added up in steps, one after the other: sorting all at once takes twice as long."""
    return [
        row
        for at in range(since, until, step)
        for row in connection.execute(_OF_STEP, {"at": at, "end": min(at + step, until)})
    ]


_OF_STEP = """
    SELECT :at, what, name, result, sum(count), sum(seconds) FROM minutes WHERE at >= :at AND at < :end
    GROUP BY what, name, result ORDER BY what, name, result"""


def last_minutes(connection: sqlite3.Connection, what: str) -> list[tuple[str, str, int]]:
    """List names and results, and when each last occurred: a seek for each, whatever the number of minutes."""
    found: list[tuple[str, str, int]] = []
    given = {"what": what, "name": "", "result": ""}
    while row := _first(connection, _NEXT_RESULT, given) or _first(connection, _NEXT_NAME, given):
        given |= {"name": row[0], "result": row[1]}
        found.append(row)
    return found


def _first(connection: sqlite3.Connection, statement: str, given: Mapping[str, str]) -> tuple[str, str, int] | None:
    row: tuple[str, str, int] | None = connection.execute(statement, given).fetchone()
    return row


_NEXT_RESULT = """
    SELECT name, result, at FROM minutes WHERE what = :what AND name = :name AND result > :result
    ORDER BY result, at DESC LIMIT 1"""
_NEXT_NAME = """
    SELECT name, result, at FROM minutes WHERE what = :what AND name > :name ORDER BY name, result, at DESC LIMIT 1"""


def begin_replay(connection: sqlite3.Connection, jobs: Sequence[tuple[Any, ...]]) -> list[None]:
    """Keep jobs."""
    write(
        connection,
        "INSERT INTO replays (id, wanted, only_dead, per_s, created_at, due_at, state)",
        [(*job, "running") for job in jobs],
    )
    return [None] * len(jobs)


def replays(connection: sqlite3.Connection, condition: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """List jobs, the newest first."""
    return connection.execute(
        f"""
        SELECT id, wanted, only_dead, per_s, state, created_at, due_at, finished_at, position, searched, replayed
        FROM replays {condition} ORDER BY id DESC LIMIT :limit""",
        {"limit": 1000, **values},
    ).fetchall()


def advance_replay(connection: sqlite3.Connection, steps: Sequence[Advance]) -> list[int | None]:
    """Take steps of jobs; tell how many deliveries became pending by each."""
    return [_advance(connection, step) for step in steps]


def _advance(connection: sqlite3.Connection, step: Advance) -> int | None:
    is_ours = connection.execute(
        """
        UPDATE replays SET position = ?, searched = searched + ?, due_at = ?, finished_at = ?, state = ?
        WHERE id = ? AND state = 'running' AND position IS ?""",
        (
            step.to_position,
            step.searched,
            step.due_at,
            step.finished_at,
            "running" if step.finished_at is None else "done",
            step.replay_id,
            step.from_position,
        ),
    ).rowcount
    if not is_ours:
        return None
    statuses = DEAD if step.only_dead else FINAL
    count = sum(replay(connection, [Revival(each, step.now, statuses, step.target) for each in step.event_ids]))
    connection.execute("UPDATE replays SET replayed = replayed + ? WHERE id = ?", (count, step.replay_id))
    return count


def cancel_replay(connection: sqlite3.Connection, wishes: Sequence[tuple[str, int]]) -> list[None]:
    """End jobs that run."""
    connection.executemany(
        "UPDATE replays SET state = 'cancelled', finished_at = ? WHERE id = ? AND state = 'running'",
        [(now, replay_id) for replay_id, now in wishes],
    )
    return [None] * len(wishes)


def forget_replays(connection: sqlite3.Connection, times: Sequence[int]) -> list[None]:
    """Drop jobs that ended before a time."""
    connection.execute("DELETE FROM replays WHERE finished_at < ?", (max(times),))
    return [None] * len(times)


def keep_rejections(connection: sqlite3.Connection, heaps: Sequence[Heap]) -> list[None]:
    """Keep refused requests within bounds."""
    for heap in heaps:
        for columns, head, body in heap.rows:
            number = connection.execute(
                """
                INSERT INTO rejections (source, refusal, received_at, remote, body_bytes, is_whole)
                VALUES (?, ?, ?, ?, ?, ?)""",
                columns,
            ).lastrowid
            connection.execute(
                "INSERT INTO rejected_requests (number, head, body) VALUES (?, ?, ?)", (number, head, body)
            )
        _trim(connection, heap)
    return [None] * len(heaps)


def _trim(connection: sqlite3.Connection, heap: Heap) -> None:
    outside = connection.execute(
        """
        SELECT number FROM (
            SELECT number, received_at, row_number() OVER newest AS place, sum(body_bytes) OVER newest AS bytes
            FROM rejections WINDOW newest AS (ORDER BY number DESC))
        WHERE received_at < ? OR place > ? OR bytes > ?""",
        (heap.before, heap.count_max, heap.body_bytes_max),
    ).fetchall()
    for table in ("rejected_requests", "rejections"):
        connection.executemany(f"DELETE FROM {table} WHERE number = ?", outside)


def rejections(connection: sqlite3.Connection, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """List refused requests, the newest first."""
    return connection.execute(
        f"""
        {_LISTED}
        WHERE (:source IS NULL OR source = :source) AND (:refusal IS NULL OR refusal = :refusal)
            AND (:after IS NULL OR number < :after)
        ORDER BY number DESC LIMIT :limit""",
        asked,
    ).fetchall()


_LISTED = "SELECT number, source, refusal, received_at, remote, body_bytes, is_whole, event_id FROM rejections"


def admitted_as(connection: sqlite3.Connection, event_id: str) -> tuple[Any, ...] | None:
    """Return the first refused request that became an event. All of them are looked at: they are bounded."""
    row: tuple[Any, ...] | None = connection.execute(
        f"{_LISTED} WHERE event_id = ? ORDER BY number LIMIT 1", (event_id,)
    ).fetchone()
    return row


def rejection(connection: sqlite3.Connection, number: int) -> tuple[Any, ...] | None:
    """Return a refused request whole."""
    row: tuple[Any, ...] | None = connection.execute(
        """
        SELECT r.number, r.source, r.refusal, r.received_at, r.remote, r.is_whole, r.event_id, q.head, q.body
        FROM rejections r JOIN rejected_requests q ON q.number = r.number WHERE r.number = ?""",
        (number,),
    ).fetchone()
    return row


def holding(connection: sqlite3.Connection, texts: Sequence[bytes], numbers: Sequence[int]) -> list[int]:
    """List which of some refused requests have one of these texts within the first part of their bodies."""
    heads = " OR ".join([f"instr(substr(body, 1, {TEXT_BYTES_MAX}), ?)"] * len(texts))
    return [
        number
        for chunk in chunks(numbers)
        for (number,) in connection.execute(
            f"SELECT number FROM rejected_requests WHERE number IN ({marks(len(chunk))}) AND ({heads})",
            (*chunk, *texts),
        )
    ]


def note_admitted(connection: sqlite3.Connection, admitted: Sequence[tuple[int, str]]) -> list[None]:
    """Keep what rejections became."""
    connection.executemany(
        "UPDATE rejections SET event_id = ? WHERE number = ?", [(event_id, number) for number, event_id in admitted]
    )
    return [None] * len(admitted)
