"""PostgreSQL with a past, made within minutes: the real store makes the schema and its days, SQL makes the rows."""

import time
from collections.abc import Sequence

import asyncpg

from relay.store.postgres.days import Days
from relay.store.postgres.numbers import BLOCK, DAY_BITS
from relay.store.postgres.session import SCHEMA
from relay.store.postgres.store import PostgresStore
from tests.benchmarks.filling import CHUNK_EVENTS, DAY_MS, SOURCE

OLDEST_DAYS, NEWEST_DAYS = 6.0, 0.1


async def fill(url: str, events: int, targets: Sequence[str], body_bytes: int, *, is_finished: bool = False) -> None:
    """Store events, each with a delivery to every target.

    is_finished: whether these are delivered, with an attempt each, or pending and due.
    """
    store = PostgresStore(url, "filling")
    await store.open()
    await store.close()
    connection = await asyncpg.connect(url, server_settings={"search_path": SCHEMA, "synchronous_commit": "off"})
    try:
        await _fill_in(connection, events, targets, body_bytes, is_finished)
    finally:
        await connection.close()


async def _fill_in(
    connection: "asyncpg.Connection[asyncpg.Record]",
    events: int,
    targets: Sequence[str],
    body_bytes: int,
    is_finished: bool,
) -> None:
    now_ms = int(time.time() * 1000)
    oldest_ms = now_ms - int(OLDEST_DAYS * DAY_MS)
    step_ms = (OLDEST_DAYS - NEWEST_DAYS) * DAY_MS / events
    await Days().make(connection, range(oldest_ms // DAY_MS, now_ms // DAY_MS + 1))
    for first in range(1, events + 1, CHUNK_EVENTS):
        last = min(first + CHUNK_EVENTS - 1, events)
        async with connection.transaction():
            await connection.execute(_EVENTS, first, last, oldest_ms, step_ms, SOURCE, body_bytes)
            await connection.execute(_CONTENTS, first, last, oldest_ms, step_ms, b"x" * body_bytes)
            for number, target in enumerate(targets):
                places = (first, last, oldest_ms, step_ms, f"{SOURCE}→{target}", target, len(targets), number)
                await connection.execute(_DELIVERED if is_finished else _DELIVERIES, *places)
    if is_finished:
        await connection.execute(_ATTEMPTS)
    for target in targets:
        await connection.execute("INSERT INTO lane_counts VALUES ($1, 0, $2)", target, 0 if is_finished else events)
    for sequence, numbers in (("event_blocks", events), ("delivery_blocks", (events + 1) * len(targets))):
        await connection.execute("SELECT setval($1::text, $2)", sequence, numbers // BLOCK + 2)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")


_DATED = f"""
    WITH dated AS (
        SELECT n, ms, (ms / {DAY_MS}) << {DAY_BITS} AS day FROM (
            SELECT n, $3::bigint + (n * $4::float8)::bigint AS ms FROM generate_series($1::bigint, $2::bigint) AS n
        ) AS numbered)"""
_EVENTS = f"""{_DATED}
    INSERT INTO events (seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts)
    SELECT day + n, 'evt_' || lpad(to_hex(ms), 12, '0') || substr(md5(n::text), 1, 20), $5, 'unknown',
        sha256(convert_to(n::text, 'UTF8')), to_timestamp(ms / 1000.0) + interval '7 days',
        to_timestamp(ms / 1000.0), $6, '[]'
    FROM dated"""
_CONTENTS = f"""{_DATED}
    INSERT INTO contents (event_seq, headers, body)
    SELECT day + n, convert_to('[["Content-Type","application/json"]]', 'UTF8'), $5 FROM dated"""
_DELIVERIES = f"""{_DATED}
    INSERT INTO deliveries (id, event_seq, route, target, status, planned_at, due_at, deadline_at)
    SELECT day + n * $7::int + $8::int, day + n, $5, $6, 'pending', to_timestamp(ms / 1000.0),
        to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0) + interval '30 days'
    FROM dated"""
_DELIVERED = f"""{_DATED}
    INSERT INTO deliveries
        (id, event_seq, route, target, status, attempts, planned_at, due_at, deadline_at, finished_at, reason)
    SELECT day + n * $7::int + $8::int, day + n, $5, $6, 'delivered', 1, to_timestamp(ms / 1000.0),
        to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0) + interval '3 days',
        to_timestamp(ms / 1000.0) + interval '20 milliseconds', 'accepted'
    FROM dated"""
_ATTEMPTS = """
    INSERT INTO attempts (delivery_id, number, started_at, duration_ms, outcome, status, detail, excerpt)
    SELECT id, 1, planned_at, 20.0, 'accepted', 200, '', 'ok' FROM deliveries"""
