"""Events on their way into the tables: many at once, and the statements that take them.

What is short of an event goes as JSON, and its key, headers and body as they are. The driver asks of each value in an
array what it is, which costs the event loop more than to write all of them as JSON, and the server some 2 µs less.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

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
    return {row["seq"] for row in await connection.fetch(_TAKE_AND_STORE, *_parameters(shard, arrivals))}


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
    await connection.execute(_STORE, *_parameters(shard, arrivals))


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Turn rows into columns: what a statement of many rows takes."""
    return list(zip(*rows, strict=True)) or [()] * width


def _parameters(shard: int, arrivals: Sequence[Arrival]) -> tuple[Any, ...]:
    """Write what `_ARRIVED` and `_BORN` read."""
    events = [_event(arrival) for arrival in arrivals]
    births = [_birth(birth) for arrival in arrivals for birth in arrival.births]
    return (
        shard,
        orjson.dumps(events).decode(),
        [arrival.event.key for arrival in arrivals],
        [headers_to_json(arrival.event.headers) for arrival in arrivals],
        [None if bodies.is_large(body := arrival.event.body) else body for arrival in arrivals],
        orjson.dumps(births).decode(),
    )


def _event(arrival: Arrival) -> dict[str, object]:
    event = arrival.event
    return {
        "seq": arrival.seq,
        "id": event.id,
        "source": event.source,
        "type": storable(event.type),
        "key_expires_at": event.key_expires_at,
        "received_at": event.received_at,
        "body_bytes": len(event.body),
        "verdicts": storable(verdicts_to_json(arrival.plan.verdicts)),
        "secret_number": event.secret_number,
    }


def _birth(birth: Birth) -> dict[str, object]:
    planned, lease = birth.planned, birth.lease
    return {
        "id": birth.id,
        "event_seq": birth.event_seq,
        "route": planned.route,
        "target": planned.target,
        "order_value": None if planned.order is None else storable(planned.order),
        "planned_at": planned.due_at,
        "deadline_at": planned.deadline_at,
        "due_at": NEVER if birth.is_queued else planned.due_at,
        "status": "sending" if lease else "pending",
        "attempts": 1 if lease else 0,
        "leased_by": lease.worker if lease else None,
        "leased_until": lease.until if lease else None,
    }


# A large body is null here: it goes its own way.
_ARRIVED = """
    SELECT * FROM ROWS FROM (
        json_to_recordset($2::json) AS (seq bigint, id text, source text, type text, key_expires_at timestamptz,
            received_at timestamptz, body_bytes int, verdicts text, secret_number smallint),
        unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::bytea[]))
        AS e (seq, id, source, type, key_expires_at, received_at, body_bytes, verdicts, secret_number,
            key, headers, body)"""

_BORN = """
    json_to_recordset($6::json)
        AS b (id bigint, event_seq bigint, route text, target text, order_value text, planned_at timestamptz,
            deadline_at timestamptz, due_at timestamptz, status text, attempts int, leased_by text,
            leased_until timestamptz)"""

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
