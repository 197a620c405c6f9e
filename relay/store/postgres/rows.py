"""Between records and nouns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg

from relay.domain import Attempt, Delivery, Event, Outcome
from relay.store.postgres import bodies
from relay.store.postgres.bodies import LARGE_BYTES
from relay.store.postgres.dialling import Connection
from relay.store.postgres.numbers import Stretch
from relay.store.postgres.unfinished import Unfinished
from relay.store.texts import headers_from_json

EVENT = (
    "e.id, e.source, e.type, e.key, e.key_expires_at, e.received_at, e.secret_number, c.headers, e.body_bytes,"
    f" CASE WHEN e.body_bytes <= {LARGE_BYTES} THEN c.body END AS body"
)
DELIVERY = (
    "d.id AS delivery_id, d.route, d.target, d.attempts, d.attempts_before, d.planned_at, d.deadline_at, d.order_value"
)
ATTEMPT = "number, started_at, duration_ms, outcome, status, detail, excerpt"

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # due when something else makes it so

Record: TypeAlias = asyncpg.Record


def its_event(days: Stretch | Unfinished) -> str:
    """Return what joins the event `e` of each delivery `d`, looked up by its number.

    Without the offset it would be joined as the planner sees fit, which takes a young day for small, and reads it all.
    """
    return f"CROSS JOIN LATERAL (SELECT * FROM events WHERE {days.has('seq')} AND seq = d.event_seq OFFSET 0) AS e"


def its_content(days: Stretch) -> str:
    """Return what joins the content `c` of each event `e` in the same way."""
    its = f"{days.has('event_seq')} AND event_seq = e.seq"
    return f"CROSS JOIN LATERAL (SELECT * FROM contents WHERE {its} OFFSET 0) AS c"


def event_from(row: Record, large_body: bytes | None = None) -> Event:
    """Read a row that has the columns `EVENT`. large_body: as `bodies` loads it."""
    return Event(
        row["id"],
        row["source"],
        row["type"],
        row["key"],
        row["key_expires_at"],
        row["received_at"],
        headers_from_json(row["headers"]),
        row["body"] if large_body is None else large_body,
        row["secret_number"],
    )


async def deliveries(connection: Connection, rows: Sequence[Record], order: Sequence[int]) -> list[Delivery]:
    """Read rows that have the columns `DELIVERY`, `EVENT` and event_seq, in the order of these numbers.

    Deliveries of one event share it.
    """
    large = await bodies.load(connection, ((row["event_seq"], row["body_bytes"]) for row in rows))
    events: dict[int, Event] = {}
    found: dict[int, Delivery] = {}
    for row in rows:
        seq = row["event_seq"]
        event = events.get(seq) or events.setdefault(seq, event_from(row, large.get(seq)))
        found[row["delivery_id"]] = _delivery_from(row, event)
    return [found[number] for number in order if number in found]


def _delivery_from(row: Record, event: Event) -> Delivery:
    """Read a leased delivery; its current attempt is the last one counted."""
    return Delivery(
        row["delivery_id"],
        event,
        row["route"],
        row["target"],
        row["attempts"],
        row["attempts_before"],
        row["planned_at"],
        row["deadline_at"],
        row["order_value"],
    )


def attempt_from(row: Record) -> Attempt:
    """Read a row that has the columns `ATTEMPT`."""
    return Attempt(
        row["number"],
        row["started_at"],
        row["duration_ms"] / 1000,
        Outcome(row["outcome"]),
        row["status"],
        row["detail"],
        row["excerpt"],
    )
