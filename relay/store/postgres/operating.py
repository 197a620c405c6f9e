"""What operators have done: deliveries changed, minutes added up, replays taken on, refused requests kept."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from relay.domain import DeliveryStatus, Refusal
from relay.store.ports.minutes import MINUTE, Figure, Kind, latest
from relay.store.ports.rejections import Bounds, Rejection, RejectionRow
from relay.store.ports.replays import Replay, ReplayState, ReplayStep
from relay.store.ports.search import needles
from relay.store.ports.text import TEXT_BYTES_MAX
from relay.store.postgres.changing import Move, Step
from relay.store.postgres.locks import TRIM, lock
from relay.store.postgres.rows import Record
from relay.store.postgres.session import Session
from relay.store.texts import filter_from_json, filter_to_json, head_to_json, rejection_from, storable

Do = Callable[[str, Any], Awaitable[Any]]  # has the session that claims do something


class PostgresChanges:
    """Fulfils `relay.store.ports.changes.Changes`. ring: tells other processes that something may be due."""

    def __init__(self, do: Do, ring: Callable[[], None]) -> None:
        self._do = do
        self._ring = ring

    async def retry(self, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        """Have a delivery sent at once."""
        return await self._change("retry", delivery_id, now)

    async def cancel(self, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        """Have a delivery never sent."""
        return await self._change("cancel", delivery_id, now)

    async def cancel_pending(self, target: str, now: datetime, limit: int) -> int:
        """Cancel pending deliveries of a target."""
        return int(await self._do("clear", Move(target, None, now, limit)))

    async def move_pending(self, target: str, other: str, now: datetime, limit: int) -> int:
        """Give pending deliveries of a target to another."""
        count = int(await self._do("clear", Move(target, other, now, limit)))
        self._ring()
        return count

    async def _change(self, verb: str, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        stood = await self._do(verb, (delivery_id, now))
        self._ring()
        return DeliveryStatus(stood) if stood else None


class PostgresMinutes:
    """Fulfils `relay.store.ports.minutes.Minutes`."""

    def __init__(self, keeping: Session, reading: Session) -> None:
        self._keeping = keeping
        self._reading = reading

    async def add(self, at: datetime, counts: Mapping[Kind, tuple[int, float]], before: datetime) -> None:
        """Add to a minute, in one order, so that two processes never wait for each other."""
        rows = [(at, k.what, k.name, k.result, *counts[k]) for k in sorted(counts)]
        async with self._keeping.used() as connection, connection.transaction():
            await connection.executemany(_ADD_MINUTE, rows)
            await connection.execute("DELETE FROM minutes WHERE at < $1", before)

    async def between(self, since: datetime, until: datetime, step: timedelta = MINUTE) -> Sequence[Figure]:
        """Return all figures of a time."""
        async with self._reading.used() as connection:
            if step == MINUTE:
                rows = await connection.fetch(_MINUTES, since, until)
            else:
                rows = await connection.fetch(_STEPS, since, until, step)
        return [
            Figure(row["at"], Kind(row["what"], row["name"], row["result"]), row["count"], row["seconds"])
            for row in rows
        ]

    async def last_seen(self) -> Mapping[str, datetime]:
        """Tell the last minute in which each source sent an event."""
        async with self._reading.used() as connection:
            return latest(map(tuple, await connection.fetch(_LAST_MINUTES, "event")))

    async def last_proofs(self) -> Mapping[tuple[str, int], datetime]:
        """Tell the last minute in which each secret proved a request."""
        async with self._reading.used() as connection:
            rows = await connection.fetch(_LAST_MINUTES, "proof")
            return {(row["name"], int(row["result"])): row["at"] for row in rows}


_ADD_MINUTE = """
    INSERT INTO minutes (at, what, name, result, count, seconds) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (at, what, name, result) DO UPDATE
    SET count = minutes.count + excluded.count, seconds = minutes.seconds + excluded.seconds"""
_MINUTES = """
    SELECT at, what, name, result, count, seconds FROM minutes WHERE at >= $1 AND at < $2
    ORDER BY at, what COLLATE "C", name COLLATE "C", result COLLATE "C\""""
_STEPS = """
    SELECT date_bin($3, at, $1) AS at, what, name, result, sum(count)::bigint AS count, sum(seconds) AS seconds
    FROM minutes WHERE at >= $1 AND at < $2 GROUP BY 1, what, name, result
    ORDER BY 1, what COLLATE "C", name COLLATE "C", result COLLATE "C\""""
# A seek for each name and result, whatever the number of minutes.
_LAST_MINUTES = """
    WITH RECURSIVE kind (name, result, at) AS (
        (SELECT name, result, at FROM minutes WHERE what = $1 ORDER BY name, result, at DESC LIMIT 1)
        UNION ALL
        SELECT later.* FROM kind, LATERAL (
            SELECT m.name, m.result, m.at FROM minutes m
            WHERE m.what = $1 AND (m.name, m.result) > (kind.name, kind.result)
            ORDER BY m.name, m.result, m.at DESC LIMIT 1) AS later)
    SELECT name, result, at FROM kind"""


class PostgresReplays:
    """Fulfils `relay.store.ports.replays.Replays`."""

    def __init__(self, do: Do, keeping: Session, reading: Session, ring: Callable[[], None]) -> None:
        self._do = do
        self._keeping = keeping
        self._reading = reading
        self._ring = ring

    async def begin(self, replay: Replay) -> None:
        """Keep a job."""
        asked = (replay.id, storable(filter_to_json(replay.wanted)), replay.only_dead, replay.per_s)
        async with self._keeping.used() as connection:
            await connection.execute(_BEGIN, *asked, replay.created_at, replay.due_at)

    async def all(self, limit: int) -> Sequence[Replay]:
        """List jobs."""
        return await self._fetch(f"{_REPLAYS} ORDER BY id DESC LIMIT $1", limit)

    async def one(self, replay_id: str) -> Replay | None:
        """Return a job, or None."""
        return next(iter(await self._fetch(f"{_REPLAYS} WHERE id = $1", replay_id)), None)

    async def due(self, now: datetime) -> Replay | None:
        """Return the running job that has been due longest."""
        condition = "WHERE state = 'running' AND due_at <= $1 ORDER BY due_at LIMIT 1"
        return next(iter(await self._fetch(f"{_REPLAYS} {condition}", now)), None)

    async def advance(self, replay: Replay, step: ReplayStep, now: datetime) -> int | None:
        """Take a step of a job."""
        count: int | None = await self._do("advance_replay", Step(replay, step, now))
        self._ring()
        return count

    async def cancel(self, replay_id: str, now: datetime) -> Replay | None:
        """Take no further step of a job."""
        async with self._keeping.used() as connection:
            await connection.execute(_CANCEL, replay_id, now)
        return await self.one(replay_id)

    async def forget(self, before: datetime) -> None:
        """Drop jobs that ended before a time."""
        async with self._keeping.used() as connection:
            await connection.execute("DELETE FROM replays WHERE finished_at < $1", before)

    async def _fetch(self, statement: str, *values: Any) -> list[Replay]:
        async with self._reading.used() as connection:
            return [_replay(row) for row in await connection.fetch(statement, *values)]


_BEGIN = """
    INSERT INTO replays (id, wanted, only_dead, per_s, created_at, due_at, state)
    VALUES ($1, $2, $3, $4, $5, $6, 'running')"""
_REPLAYS = """
    SELECT id, wanted, only_dead, per_s, state, created_at, due_at, finished_at, position, searched, replayed
    FROM replays"""
_CANCEL = "UPDATE replays SET state = 'cancelled', finished_at = $2 WHERE id = $1 AND state = 'running'"


def _replay(row: Record) -> Replay:
    replay_id, wanted, only_dead, per_s, state, *rest = row
    return Replay(replay_id, filter_from_json(wanted), only_dead, per_s, ReplayState(state), *rest)


class PostgresRejections:
    """Fulfils `relay.store.ports.rejections.Rejections`."""

    def __init__(self, keeping: Session, reading: Session) -> None:
        self._keeping = keeping
        self._reading = reading

    async def keep(self, rejections: Sequence[Rejection], bounds: Bounds) -> None:
        """Keep these, within bounds."""
        async with self._keeping.used() as connection, connection.transaction():
            await connection.executemany(_KEEP, [_row(each) for each in rejections])
            await lock(connection, TRIM)  # two would drop the same ones, and see nothing of what the other has kept
            await connection.execute(_TRIM, bounds.before, bounds.count, bounds.body_bytes)

    async def page(
        self, source: str | None, refusal: Refusal | None, after: int | None, limit: int
    ) -> list[RejectionRow]:
        """Return rejections, the newest first."""
        async with self._reading.used() as connection:
            return [_listed(row) for row in await connection.fetch(_PAGE, source, refusal, after, limit)]

    async def admitted_as(self, event_id: str) -> RejectionRow | None:
        """Return the first one that became an event."""
        async with self._reading.used() as connection:
            row = await connection.fetchrow(_ADMITTED_AS, event_id)
        return _listed(row) if row else None

    async def one(self, number: int) -> Rejection | None:
        """Return one whole."""
        async with self._reading.used() as connection:
            row = await connection.fetchrow(_ONE, number)
        return rejection_from(tuple(row)) if row else None

    async def holding(self, text: str, numbers: Sequence[int]) -> Set[int]:
        """Tell which of these have a text in their bodies."""
        async with self._reading.used() as connection:
            rows = await connection.fetch(_HOLDING, list(numbers), list(needles(text)))
        return {row["number"] for row in rows}

    async def note_admitted(self, number: int, event_id: str) -> None:
        """Keep what a rejection became."""
        async with self._keeping.used() as connection:
            await connection.execute("UPDATE rejections SET event_id = $2 WHERE number = $1", number, event_id)


def _row(rejection: Rejection) -> tuple[Any, ...]:
    body, told = rejection.body, (rejection.source, rejection.refusal.value, rejection.received_at)
    return (*told, rejection.remote, len(body), rejection.is_whole, head_to_json(rejection), body)


def _listed(row: Record) -> RejectionRow:
    number, source, refusal, *rest = row
    return RejectionRow(number, source, Refusal(refusal), *rest)


_KEEP = """
    WITH kept AS (
        INSERT INTO rejections (source, refusal, received_at, remote, body_bytes, is_whole)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING number)
    INSERT INTO rejected_requests (number, head, body) SELECT number, $7, $8 FROM kept"""
_TRIM = """
    DELETE FROM rejections r USING (
        SELECT number, received_at, row_number() OVER newest AS place, sum(body_bytes) OVER newest AS bytes
        FROM rejections WINDOW newest AS (ORDER BY number DESC)) AS placed
    WHERE r.number = placed.number AND (placed.received_at < $1 OR place > $2 OR bytes > $3)"""
_LISTED = "SELECT number, source, refusal, received_at, remote, body_bytes, is_whole, event_id FROM rejections"
_PAGE = f"""
    {_LISTED}
    WHERE ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR refusal = $2)
        AND ($3::bigint IS NULL OR number < $3)
    ORDER BY number DESC LIMIT $4"""
_ADMITTED_AS = f"{_LISTED} WHERE event_id = $1 ORDER BY number LIMIT 1"  # all of them are looked at: they are bounded
_HOLDING = f"""
    SELECT number FROM rejected_requests WHERE number = ANY($1) AND EXISTS (
        SELECT FROM unnest($2::bytea[]) AS text (needle)
        WHERE position(needle IN substring(body FROM 1 FOR {TEXT_BYTES_MAX})) > 0)"""
_ONE = """
    SELECT r.number, r.source, r.refusal, r.received_at, r.remote, r.is_whole, r.event_id, q.head, q.body
    FROM rejections r JOIN rejected_requests q ON q.number = r.number WHERE r.number = $1"""
