"""What the API tells, in the words of a page: keys, reasons, how far a replay is, and how an event stands."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from relay.domain import DeliveryStatus
from relay.store.ports.search import EventStatus, fold

DIGEST_CHARACTERS = 12
WORST_FIRST = (
    DeliveryStatus.DEAD,
    DeliveryStatus.PENDING,
    DeliveryStatus.SENDING,
    DeliveryStatus.CANCELLED,
    DeliveryStatus.DELIVERED,
)
MARKS: Mapping[str, str] = {"delivered": "✓", "dead": "✕", "pending": "…", "sending": "↻", "cancelled": "–"}

Told = Mapping[str, Any]


def key_in_words(key: str, event_type: str = "") -> str:
    """Return what a key is made of, which tells more of an event than how the key is written.

    `type:invoice LF json:["sliced","R5",{"id":"INV-3337"}]` is `sliced · R5 · id INV-3337`; digests are cut, and the
    type, which is told beside it, is left out.
    """
    text = key.partition("\n")[2] or key if key.startswith("type:") else key
    for mark in ("body:", "sha256:"):
        if text.startswith(mark):
            return f"{mark[:-1]} {text[len(mark) :][:DIGEST_CHARACTERS]}…"
    if not text.startswith("json:"):
        return text
    try:
        value = orjson.loads(text[len("json:") :])
    except orjson.JSONDecodeError:
        return text
    parts = [_plain(part) for part in (value if isinstance(value, list) else [value])]
    return " · ".join([part for part in parts if part != event_type] or parts)


def _plain(value: object) -> str:
    match value:
        case str():
            return value
        case dict() if not any(isinstance(each, dict | list) for each in value.values()):
            return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    return orjson.dumps(value).decode()


def reason_in_words(reason: str) -> str:
    """Return why an attempt failed, its outcome as words: `timed_out: …` is `timed out: …`."""
    outcome, colon, detail = reason.partition(":")
    return f"{outcome.replace('_', ' ')}{colon}{detail}"


def worst_first(deliveries: Sequence[Told]) -> list[Told]:
    """Return an event's deliveries, first those that somebody must see to."""
    return sorted(deliveries, key=lambda each: WORST_FIRST.index(DeliveryStatus(each["status"])))


def waits_for_its_turn(delivery: Told) -> bool:
    """Tell whether it is due only once another one of its order is final."""
    return delivery["status"] == DeliveryStatus.PENDING and delivery["due_at"] is None


def status_of(event: Told) -> EventStatus:
    """Return how an event stands, by the worst of its deliveries."""
    return fold(DeliveryStatus(each["status"]) for each in event["deliveries"])


def share_done(replay: Told, left: int | None, oldest_at: datetime | None) -> float:
    """Return how far a job is, from 0 to 1.

    left: how many events it has still to look at, where that could be told; else the time of the last one that it
    looked at is taken, within the time that it covers. oldest_at: when the oldest event was received that is kept.
    """
    if replay["state"] == "done":
        return 1.0
    if left is not None:
        searched: int = replay["searched"]
        return searched / (searched + left or 1)
    since, until = (_time(replay["filter"].get(name)) for name in ("since", "until"))
    begins, reached = max(filter(None, (since, oldest_at)), default=None), _time(replay["reached_at"])
    if reached is None or begins is None or until is None or until <= begins:
        return 0.0
    return min(1.0, max(0.0, (reached - begins) / (until - begins)))


def _time(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told).astimezone(UTC)
