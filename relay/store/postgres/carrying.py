"""Deliveries on their way: leased, given back, settled."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from relay.domain import Delivery, Outcome, Rate
from relay.store.choosing import shared, within
from relay.store.postgres import lines
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.failures import REFUSALS
from relay.store.postgres.lines import Line
from relay.store.postgres.locks import PACE, lock, lock_orders, number_of
from relay.store.postgres.numbers import Stretch, span_of
from relay.store.postgres.rows import DELIVERY, EVENT, deliveries, its_content, its_event
from relay.store.postgres.tallies import tally
from relay.store.postgres.unfinished import Unfinished
from relay.store.protocol import Settlement
from relay.store.tallying import Change
from relay.store.texts import reason_of, storable

Fence = tuple[int, int]  # delivery and attempt: every claim counts up, so that an old lease's number is none of now


class Claim(NamedTuple):
    """What `claim` was asked."""

    target: str
    worker: str
    until: datetime
    now: datetime
    limit: int
    bytes_max: int
    rate: Rate | None


class Carrying:
    """The verbs of deliveries on their way.

    worker: this process's name on its leases. shard: where this session keeps its part of the lanes' numbers.
    """

    def __init__(self, days: Days, worker: str, shard: int) -> None:
        self._days = days
        self._worker = worker
        self._shard = shard

    async def claim(self, connection: Connection, claims: Sequence[Claim]) -> list[list[Delivery]]:
        """Lease due deliveries, lane by lane."""
        return [await _claim(connection, wanted, self._days.unfinished) for wanted in claims]

    async def release(self, connection: Connection, groups: Sequence[tuple[str, Sequence[Fence]]]) -> list[None]:
        """Give back leases of which no attempt was begun, by target.

        Only our own: who gives one back again, because no answer came, finds it leased to another with the same number.
        """
        for target, fences in groups:
            days = span_of([number for number, _ in fences])
            released = await connection.fetch(_release(days), *zip(*sorted(fences), strict=True), self._worker)
            await connection.execute(_TAKE_GRANTS_BACK, target, len(released))
        return [None] * len(groups)

    async def settle(self, connection: Connection, settlements: Sequence[Settlement]) -> list[bool]:
        """Apply results whose lease still holds, and record every attempt."""
        first: dict[Fence, Settlement] = {}
        for settlement in settlements:
            first.setdefault(_fence(settlement), settlement)
        ends = [s for s in first.values() if s.delivery.order is not None and s.status.is_final]
        await lock_orders(connection, [(s.delivery.target, storable(s.delivery.order or "")) for s in ends])
        held = await _apply(connection, [first[fence] for fence in sorted(first)])
        await _record_attempts(connection, settlements)
        await lines.let_next_go(connection, _left([s for s in ends if _fence(s) in held]))
        await tally(connection, self._shard, [_change(first[fence]) for fence in held])
        return [_fence(s) in held and first[_fence(s)] is s for s in settlements]


async def _claim(connection: Connection, wanted: Claim, days: Unfinished) -> list[Delivery]:
    limit = wanted.limit
    if wanted.rate is not None:
        await lock(connection, PACE, number_of(wanted.target))
        limit = min(limit, await _left_of_pace(connection, wanted, wanted.rate))
    if limit <= 0:
        return []
    found = await connection.fetch(_due(days), wanted.target, wanted.now, limit)
    fresh, retries = ([tuple(row)[1:] for row in found if row["is_retry"] is kind] for kind in (False, True))
    chosen = within([(number, size) for _, number, size in shared(fresh, retries, limit)], wanted.bytes_max)
    if not chosen:
        return []
    if wanted.rate is not None:
        await connection.execute(_GRANT, wanted.target, wanted.now, len(chosen))
    leased = await connection.fetch(_lease(span_of(chosen)), chosen, wanted.worker, wanted.until)
    return await deliveries(connection, leased, chosen)


async def _left_of_pace(connection: Connection, wanted: Claim, rate: Rate) -> int:
    """Return how many more may go at this time. A grant in the future is from before the clock was set back."""
    period = timedelta(seconds=rate.per_s)
    granted: int = await connection.fetchval(_GRANTED, wanted.target, wanted.now - period, wanted.now + period)
    return max(0, rate.count - granted)


_GRANTED = """
    WITH past AS (DELETE FROM grants WHERE target = $1 AND (at <= $2 OR at > $3))
    SELECT count(*) FROM grants WHERE target = $1 AND at > $2 AND at <= $3"""
_GRANT = "INSERT INTO grants (target, at) SELECT $1, $2 FROM generate_series(1, $3::int)"
_TAKE_GRANTS_BACK = """
    DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE target = $1 ORDER BY at DESC, id DESC LIMIT $2)"""


def _due(days: Unfinished) -> str:
    """Return what finds of each kind the longest due first; what another process is just taking is passed over."""
    return f"""
    WITH fresh AS (
        SELECT d.id, d.event_seq, d.due_at FROM deliveries d
        WHERE d.status = 'pending' AND d.attempts <= d.attempts_before AND d.target = $1 AND d.due_at <= $2
            AND {days.has("d.id")}
        ORDER BY d.due_at, d.id LIMIT $3 FOR UPDATE SKIP LOCKED),
    retries AS (
        SELECT d.id, d.event_seq, d.due_at FROM deliveries d
        WHERE d.status = 'pending' AND d.attempts > d.attempts_before AND d.target = $1 AND d.due_at <= $2
            AND {days.has("d.id")}
        ORDER BY d.due_at, d.id LIMIT $3 FOR UPDATE SKIP LOCKED)
    SELECT d.is_retry, d.due_at, d.id, e.body_bytes
    FROM (SELECT false AS is_retry, * FROM fresh UNION ALL SELECT true, * FROM retries) AS d {its_event(days)}
    ORDER BY d.due_at, d.id"""


def _lease(days: Stretch) -> str:
    return f"""
    WITH d AS (
        UPDATE deliveries d SET status = 'sending', attempts = attempts + 1, leased_by = $2, leased_until = $3
        WHERE {days.has("d.id")} AND d.id = ANY ($1::bigint[])
        RETURNING d.*)
    SELECT {DELIVERY}, d.event_seq, {EVENT} FROM d {its_event(days)} {its_content(days)}"""


# A plan is made while a day is young, and kept: what it reads must not depend on what there is. So rows are asked for
# by all of their numbers at once: where they are only joined to these, all of the day is read each time, as if it were
# empty still. And what is asked for its lease is not asked for its status, whose index is empty at first, too.


def _release(days: Stretch) -> str:
    return f"""
    UPDATE deliveries d
    SET status = 'pending', attempts = d.attempts - 1, leased_by = NULL, leased_until = NULL
    FROM unnest($1::bigint[], $2::int[]) AS given (id, attempt)
    WHERE {days.has("d.id")} AND d.id = ANY ($1) AND d.id = given.id AND d.attempts = given.attempt
        AND d.leased_by = $3
    RETURNING d.id"""


async def load(connection: Connection, ids: Sequence[int]) -> list[Delivery]:
    """Read deliveries with their events, in the order of `ids`."""
    return await deliveries(connection, await connection.fetch(_load(span_of(ids)), ids), ids)


def _load(days: Stretch) -> str:
    return f"""
    SELECT {DELIVERY}, d.event_seq, {EVENT}
    FROM (SELECT * FROM deliveries WHERE {days.has("id")} AND id = ANY ($1::bigint[])) AS d
    {its_event(days)} {its_content(days)}"""


def _fence(settlement: Settlement) -> Fence:
    return settlement.delivery.id, settlement.delivery.attempt


def _change(settlement: Settlement) -> Change:
    return Change(settlement.delivery.target, -int(settlement.status.is_final), int(settlement.status.value == "dead"))


def _left(ends: Sequence[Settlement]) -> Mapping[Line, datetime]:
    """Tell when each of these lines was left by a delivery that became final."""
    left = ((s.delivery.target, storable(s.delivery.order or ""), finished_at(s)) for s in ends)
    return {(target, value): at for target, value, at in left if at is not None}


def finished_at(settlement: Settlement) -> datetime | None:
    """Return when a delivery became final by a settlement, or None."""
    attempt = settlement.attempt
    return attempt.started_at + timedelta(seconds=attempt.duration_s) if settlement.status.is_final else None


async def _apply(connection: Connection, settlements: Sequence[Settlement]) -> list[Fence]:
    """Write results; return the fences of those whose lease held."""
    rows = [(*_fence(s), s.status.value, s.due_at, finished_at(s), storable(reason_of(s.attempt))) for s in settlements]
    statement = _apply_in(span_of([s.delivery.id for s in settlements]))
    return [(row["id"], row["attempts"]) for row in await connection.fetch(statement, *zip(*rows, strict=True))]


def _apply_in(days: Stretch) -> str:
    return f"""
    UPDATE deliveries d
    SET status = result.status, due_at = coalesce(result.due_at, d.due_at), finished_at = result.finished_at,
        reason = result.reason, leased_by = NULL, leased_until = NULL
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[])
        AS result (id, attempt, status, due_at, finished_at, reason)
    WHERE {days.has("d.id")} AND d.id = ANY ($1) AND d.id = result.id AND d.attempts = result.attempt
        AND d.leased_by IS NOT NULL
    RETURNING d.id, d.attempts"""


async def _record_attempts(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Record attempts. Who was taken for lost may come to tell what really happened, before or after: that stands.

    A record that cannot be written must not undo what was decided: one that is settled alone, as every member of a
    group that was refused is, has it in a savepoint.
    """
    records: dict[Fence, tuple[Any, ...]] = {}
    for settlement in sorted(settlements, key=lambda s: s.attempt.outcome is not Outcome.LOST):
        records[settlement.delivery.id, settlement.attempt.number] = _record(settlement)
    columns = list(zip(*(records[fence] for fence in sorted(records)), strict=True))
    if len(settlements) > 1:
        await connection.execute(_RECORD, *columns)
        return
    with suppress(*REFUSALS):
        async with connection.transaction():
            await connection.execute(_RECORD, *columns)


def _record(settlement: Settlement) -> tuple[Any, ...]:
    attempt = settlement.attempt
    told = (attempt.number, attempt.started_at, attempt.duration_s * 1000, attempt.outcome.value, attempt.status)
    return (settlement.delivery.id, *told, storable(attempt.detail), attempt.excerpt)


_RECORD = """
    INSERT INTO attempts (delivery_id, number, started_at, duration_ms, outcome, status, detail, excerpt)
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::float8[], $5::text[], $6::int[], $7::text[],
        $8::bytea[])
    ON CONFLICT (delivery_id, number) DO UPDATE
    SET started_at = excluded.started_at, duration_ms = excluded.duration_ms, outcome = excluded.outcome,
        status = excluded.status, detail = excluded.detail, excerpt = excluded.excerpt
    WHERE excluded.outcome <> 'lost'"""
