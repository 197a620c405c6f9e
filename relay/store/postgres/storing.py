"""Events on their way into the tables: columns of many rows, and the statements that take them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from relay.domain import Event, Lease, Plan, PlannedDelivery
from relay.store.postgres import bodies
from relay.store.postgres.dialling import Connection
from relay.store.postgres.rows import NEVER
from relay.store.postgres.tallies import ADDED
from relay.store.texts import headers_to_json, storable, verdicts_to_json


class Birth(NamedTuple):
    """A delivery to be stored."""

    id: int
    event_seq: int
    planned: PlannedDelivery
    lease: Lease | None
    is_queued: bool


class Arrival(NamedTuple):
    """An event to be stored, by its number, and its deliveries."""

    seq: int
    event: Event
    plan: Plan
    births: Sequence[Birth]


async def take_and_store(connection: Connection, shard: int, arrivals: Sequence[Arrival]) -> set[int]:
    """Store those events whose keys are free, and take these; return the numbers of the others.

    No two have the same key, and they come in order of it, so that two processes never wait for each other.
    """
    return {row["seq"] for row in await connection.fetch(_TAKE_AND_STORE, *_stored_columns(shard, arrivals))}


async def take(connection: Connection, events: Iterable[tuple[int, Event]]) -> set[int]:
    """Take each event's key, unless it is held within its window; return the numbers of those that did not get theirs.

    No two have the same key, and they come in order of it.
    """
    rows = [(seq, e.id, e.source, e.key, e.key_expires_at, e.received_at) for seq, e in events]
    return {row["seq"] for row in await connection.fetch(_TAKE, *columns(rows, 6))}


async def store(connection: Connection, shard: int, arrivals: Sequence[Arrival]) -> None:
    """Store events whose keys are theirs."""
    for arrival in arrivals:
        if bodies.is_large(arrival.event.body):
            await bodies.store(connection, arrival.seq, headers_to_json(arrival.event.headers), arrival.event.body)
    await connection.execute(_STORE, *_stored_columns(shard, arrivals))


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Turn rows into columns: what a statement of many rows takes."""
    return list(zip(*rows, strict=True)) or [()] * width


def _stored_columns(shard: int, arrivals: Sequence[Arrival]) -> list[Any]:
    births = [_birth_row(birth) for arrival in arrivals for birth in arrival.births]
    return [shard, *columns(map(_event_row, arrivals), 12), *columns(births, 12)]


def _event_row(arrival: Arrival) -> tuple[Any, ...]:
    """Write the columns `_ARRIVED`. A large body goes its own way."""
    seq, event, plan, _ = arrival
    body = None if bodies.is_large(event.body) else event.body
    return (
        seq,
        event.id,
        event.source,
        event.key,
        event.key_expires_at,
        event.received_at,
        storable(event.type),
        len(event.body),
        storable(verdicts_to_json(plan.verdicts)),
        event.secret_number,
        headers_to_json(event.headers),
        body,
    )


def _birth_row(birth: Birth) -> tuple[Any, ...]:
    """Write the columns `_BORN`."""
    planned, lease = birth.planned, birth.lease
    order = None if planned.order is None else storable(planned.order)
    common = (birth.id, birth.event_seq, planned.route, planned.target, order, planned.due_at, planned.deadline_at)
    due_at: datetime = NEVER if birth.is_queued else planned.due_at
    if lease is None:
        return (*common, due_at, "pending", 0, None, None)
    return (*common, due_at, "sending", 1, lease.worker, lease.until)


_ARRIVED = """
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::timestamptz[],
            $8::text[], $9::int[], $10::text[], $11::smallint[], $12::bytea[], $13::bytea[])
        AS e (seq, id, source, key, key_expires_at, received_at, type, body_bytes, verdicts, secret_number,
            headers, body)"""

_BORN = """
    unnest($14::bigint[], $15::bigint[], $16::text[], $17::text[], $18::text[], $19::timestamptz[],
            $20::timestamptz[], $21::timestamptz[], $22::text[], $23::int[], $24::text[], $25::timestamptz[])
        AS b (id, event_seq, route, target, order_value, planned_at, deadline_at, due_at, status, attempts,
            leased_by, leased_until)"""

# A key that is held is locked, which is written, too: so the answer to a repeat waits for a synchronous standby as the
# first one's did. That one may be seen and yet be on no standby, where the server was restarted while it waited.
_TAKEN = """
    INSERT INTO dedupe_keys (source, key, event_seq, event_id, taken_at, expires_at)
    SELECT source, key, seq, id, received_at, key_expires_at FROM asked
    ON CONFLICT (source, key) DO UPDATE
    SET event_seq = excluded.event_seq, event_id = excluded.event_id, taken_at = excluded.taken_at,
        expires_at = excluded.expires_at
    WHERE dedupe_keys.expires_at <= excluded.taken_at
    RETURNING event_seq"""

_NOT_TAKEN = "SELECT seq FROM asked WHERE seq NOT IN (SELECT event_seq FROM taken)"


def _stored(births: str) -> str:
    """Write what stores events. births: their deliveries; in order of their turns, where they have any."""
    return f"""
    listed AS (
        INSERT INTO events (seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts,
            secret_number)
        SELECT seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts, secret_number
        FROM fresh),
    kept AS (
        INSERT INTO contents (event_seq, headers, body)
        SELECT seq, headers, body FROM fresh WHERE body IS NOT NULL),
    born AS (
        INSERT INTO deliveries (id, event_seq, route, target, order_value, turn, planned_at, deadline_at, due_at,
            status, attempts, leased_by, leased_until)
        SELECT id, event_seq, route, target, order_value, CASE WHEN order_value IS NOT NULL THEN nextval('turns') END,
            planned_at, deadline_at, due_at, status, attempts, leased_by, leased_until
        FROM {births}
        RETURNING target),
    told AS (
        INSERT INTO lane_counts (target, shard, unfinished)
        SELECT target, $1::smallint, count(*) FROM born GROUP BY target ORDER BY target{ADDED})"""


_TAKE = f"""
    WITH asked AS (
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::timestamptz[])
            AS e (seq, id, source, key, key_expires_at, received_at)),
    taken AS ({_TAKEN}) {_NOT_TAKEN}"""

_STORE = f"WITH fresh AS ({_ARRIVED}), {_stored(_BORN)} SELECT"

# For events without a line alone: what is joined keeps no order.
_TAKE_AND_STORE = f"""
    WITH asked AS ({_ARRIVED}),
    taken AS ({_TAKEN}),
    fresh AS (SELECT asked.* FROM asked JOIN taken ON taken.event_seq = asked.seq),
    {_stored(f"{_BORN} WHERE event_seq IN (SELECT seq FROM fresh)")} {_NOT_TAKEN}"""
