"""Between rows and nouns: times as milliseconds, headers and verdicts as JSON."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from relay.domain import Attempt, Delivery, Event, Outcome, Verdict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_ms(time: datetime) -> int:
    """Return whole milliseconds since 1970."""
    return int(round(time.timestamp() * 1_000_000) // 1000)  # a float holds microseconds exactly until 2255


def from_ms(ms: int) -> datetime:
    """Return the time that many milliseconds after 1970, in UTC."""
    return EPOCH + ms * MILLISECOND


def maybe_to_ms(time: datetime | None) -> int | None:
    """Do as `to_ms`, and keep None."""
    return None if time is None else to_ms(time)


def maybe_from_ms(ms: int | None) -> datetime | None:
    """Do as `from_ms`, and keep None."""
    return None if ms is None else from_ms(ms)


def headers_to_json(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return headers as JSON. A byte that is no UTF-8 is a lone surrogate here, which orjson would refuse."""
    try:
        return orjson.dumps(headers)
    except TypeError:
        return orjson.dumps([[_as_latin(name), _as_latin(value)] for name, value in headers])


def _as_latin(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


@lru_cache(256)  # a source's routes say the same few things again and again
def verdicts_to_json(verdicts: tuple[tuple[str, Verdict], ...]) -> str:
    """Return a plan's verdicts as JSON."""
    return orjson.dumps(verdicts).decode()


def verdicts_from_json(text: str) -> tuple[tuple[str, Verdict], ...]:
    """Return the verdicts that were stored."""
    return tuple((route, Verdict(verdict)) for route, verdict in orjson.loads(text))


EVENT_COLUMNS = "e.id, e.source, e.type, e.key, e.key_expires_at, e.received_at, c.headers, c.body"


def event_from(row: tuple[Any, ...]) -> Event:
    """Build an event of `EVENT_COLUMNS`."""
    event_id, source, type_, key, key_expires_at, received_at, headers, body = row
    pairs = tuple((name, value) for name, value in orjson.loads(headers))
    return Event(event_id, source, type_, key, maybe_from_ms(key_expires_at), from_ms(received_at), pairs, body)


DELIVERY_COLUMNS = "d.id, d.route, d.target, d.attempts, d.attempts_before, d.deadline_at"


def delivery_from(row: tuple[Any, ...], event: Event) -> Delivery:
    """Build a leased delivery of `DELIVERY_COLUMNS`; its current attempt is the last one counted."""
    delivery_id, route, target, attempts, attempts_before, deadline_at = row
    return Delivery(delivery_id, event, route, target, attempts, attempts_before, from_ms(deadline_at))


ATTEMPT_COLUMNS = "number, started_at, duration_ms, outcome, status, detail, excerpt"


def attempt_from(row: tuple[Any, ...]) -> Attempt:
    """Build an attempt of `ATTEMPT_COLUMNS`."""
    number, started_at, duration_ms, outcome, status, detail, excerpt = row
    return Attempt(number, from_ms(started_at), duration_ms / 1000, Outcome(outcome), status, detail, excerpt)
