"""What stands in a column as text or JSON, alike in every store."""

import json
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import Attempt, Refusal, Verdict
from relay.store.ports.rejections import Rejection
from relay.store.ports.search import EventFilter, EventStatus

Headers = tuple[tuple[str, str], ...]


def headers_to_json(headers: Headers) -> bytes:
    """Return headers as JSON. A byte that is no UTF-8 is a lone surrogate here, which orjson would refuse."""
    try:
        return orjson.dumps(headers)
    except TypeError:
        return orjson.dumps([[_as_latin(name), _as_latin(value)] for name, value in headers])


def headers_from_json(text: bytes) -> Headers:
    """Return the headers that were stored."""
    return tuple(map(tuple, orjson.loads(text)))


def _as_latin(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


@lru_cache(256)  # a source's routes say the same few things again and again
def verdicts_to_json(verdicts: tuple[tuple[str, Verdict], ...]) -> str:
    """Return a plan's verdicts as JSON."""
    return orjson.dumps(verdicts).decode()


def verdicts_from_json(text: str) -> tuple[tuple[str, Verdict], ...]:
    """Return the verdicts that were stored."""
    return tuple((route, Verdict(verdict)) for route, verdict in orjson.loads(text))


@lru_cache(256)
def breaker_to_json(breaker: Breaker) -> str:
    """Return a breaker as JSON; one that never opened is the empty text."""
    return "" if breaker == CLOSED else orjson.dumps(breaker).decode()


@lru_cache(256)
def breaker_from_json(text: str) -> Breaker:
    """Return the breaker that was stored. What another version told besides is left out."""
    if not text:
        return CLOSED
    told = orjson.loads(text)
    stored = {field.name: told[field.name] for field in fields(Breaker) if field.name in told}
    times = {name: datetime.fromisoformat(stored[name]) for name in ("opened_at", "probe_at") if stored.get(name)}
    return Breaker(**{**stored, **times, "state": BreakerState(stored["state"])})


def filter_to_json(wanted: EventFilter) -> str:
    """Return a filter as JSON."""
    return orjson.dumps(asdict(wanted)).decode()


def filter_from_json(text: str) -> EventFilter:
    """Return the filter that was stored."""
    told = orjson.loads(text)
    times = {name: datetime.fromisoformat(told[name]) for name in ("since", "until") if told[name]}
    return EventFilter(**{**told, **times, "status": EventStatus(told["status"]) if told["status"] else None})


_HEAD = ("method", "origin", "path", "query", "headers", "token")


def head_to_json(rejection: Rejection) -> bytes:
    """Return a refused request without its body as JSON, to the letter: a byte that is no UTF-8 is verified as well."""
    return json.dumps({name: getattr(rejection, name) for name in _HEAD}).encode()


def rejection_from(row: tuple[Any, ...]) -> Rejection:
    """Read what was refused. row: number, source, refusal, received_at, remote, is_whole, event_id, head, body."""
    number, source, refusal, received_at, remote, is_whole, event_id, head, body = row
    told = json.loads(head)
    told["headers"] = tuple(map(tuple, told["headers"]))
    return Rejection(
        number=number,
        source=source,
        refusal=Refusal(refusal),
        received_at=received_at,
        remote=remote,
        body=body,
        is_whole=bool(is_whole),
        event_id=event_id,
        **told,
    )


def reason_of(attempt: Attempt) -> str:
    """Return what came of an attempt, in words."""
    return f"{attempt.outcome.value}: {attempt.detail}" if attempt.detail else attempt.outcome.value


def storable(text: str) -> str:
    """Return a text without what no text in a database can be: half of a surrogate pair, or, in PostgreSQL, NUL."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
