"""What is moved from database to database, record by record, as both engines can hold it.

Two databases hold the same where their records have the same digests. A digest is made of what both engines can hold:
times in milliseconds, and texts without NUL. Rows' own numbers are no part of it, but for those that operators know:
each database gives them anew.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import orjson

from relay.clock import to_ms

DIGEST_BYTES = 16
UNHOLDABLE, IN_ITS_PLACE = "\0", "\N{REPLACEMENT CHARACTER}"  # what no text of PostgreSQL can hold
BETWEEN_NAMES = "\0"  # stands in none of them, and before every other character

Place: TypeAlias = tuple[str, bytes]  # where a record stands among those of its section: both compare byte by byte


class MovedAttempt(NamedTuple):
    """One try, as it is stored."""

    number: int
    started_at: datetime
    duration_ms: float
    outcome: str
    status: int | None
    detail: str
    excerpt: bytes


@dataclass(frozen=True, slots=True)
class MovedDelivery:
    """A delivery as it is stored. turn: among those with the same order the lower goes first; it says nothing else."""

    route: str
    target: str
    status: str
    attempts: int
    attempts_before: int
    planned_at: datetime
    due_at: datetime
    deadline_at: datetime
    leased_by: str | None
    leased_until: datetime | None
    finished_at: datetime | None
    reason: str
    order_value: str | None
    turn: int | None  # set iff `order_value` is
    tried: tuple[MovedAttempt, ...]

    def canonical(self) -> bytes:
        """Return what makes it the same in both databases, but for its turn."""
        counted = (self.status, self.attempts, self.attempts_before)
        times = (self.planned_at, self.due_at, self.deadline_at, self.leased_until, self.finished_at)
        named = (self.route, self.target, self.leased_by, self.reason, self.order_value)
        tried = [
            (each.number, to_ms(each.started_at), each.duration_ms, each.outcome, each.status, unified(each.detail))
            for each in self.tried
        ]
        excerpts = [each.excerpt.hex() for each in self.tried]
        return orjson.dumps((counted, [*map(maybe_ms, times)], [*map(unified, named)], tried, excerpts))


@dataclass(frozen=True, slots=True)
class MovedEvent:
    """An event with everything that became of it. verdicts and headers: JSON, as they are stored."""

    id: str
    source: str
    type: str
    key: bytes
    key_expires_at: datetime | None
    received_at: datetime
    secret_number: int | None
    verdicts: str
    headers: bytes
    body: bytes
    deliveries: tuple[MovedDelivery, ...]

    @property
    def place(self) -> Place:
        """Return where it stands: ids are in order of time."""
        return self.id, b""

    def digest(self) -> bytes:
        """Return what makes it the same in both databases."""
        named = (self.id, self.source, unified(self.type), self.key.hex(), unified(self.verdicts))
        numbers = (len(self.headers), len(self.body), self.secret_number)
        digest = hashed(orjson.dumps((named, maybe_ms(self.key_expires_at), to_ms(self.received_at), numbers)))
        digest.update(self.headers)
        digest.update(self.body)
        for delivery in sorted(each.canonical() for each in self.deliveries):
            digest.update(delivery)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class MovedKey:
    """A key that is taken, perhaps by an event that is purged."""

    source: str
    key: bytes
    event_id: str
    expires_at: datetime | None

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self.source, self.key

    def digest(self) -> bytes:
        """Return what makes it the same in both databases."""
        return hashed(orjson.dumps((self.source, self.key.hex(), self.event_id, maybe_ms(self.expires_at)))).digest()


@dataclass(frozen=True, slots=True)
class MovedLane:
    """What is known of a target beside its deliveries. breaker: JSON, as it is stored."""

    target: str
    is_paused: bool
    is_tripped: bool
    breaker: str
    holds: tuple[tuple[datetime, datetime | None], ...]
    grants: tuple[datetime, ...]

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self.target, b""

    def digest(self) -> bytes:
        """Return what makes it the same in both databases."""
        holds = sorted((to_ms(began_at), maybe_ms(ended_at) or 0) for began_at, ended_at in self.holds)
        grants = sorted(to_ms(at) for at in self.grants)
        state = (self.target, self.is_paused, self.is_tripped, unified(self.breaker))
        return hashed(orjson.dumps((state, holds, grants))).digest()


@dataclass(frozen=True, slots=True)
class MovedReplay:
    """A job, under way or ended. wanted: JSON, as it is stored."""

    id: str
    wanted: str
    only_dead: bool
    per_s: int
    state: str
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    position: str | None
    searched: int
    replayed: int

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self.id, b""

    def digest(self) -> bytes:
        """Return what makes it the same in both databases."""
        asked = (self.id, unified(self.wanted), self.only_dead, self.per_s, self.state)
        times = [*map(maybe_ms, (self.created_at, self.due_at, self.finished_at))]
        return hashed(orjson.dumps((asked, times, self.position, self.searched, self.replayed))).digest()


@dataclass(frozen=True, slots=True)
class MovedRejection:
    """A refused request, whole. number: it keeps that, as operators name it so. head: JSON, as it is stored."""

    number: int
    source: str
    refusal: str
    received_at: datetime
    remote: str
    is_whole: bool
    event_id: str | None
    head: bytes
    body: bytes

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return numbered_place(self.number)

    def digest(self) -> bytes:
        """Return what makes it the same in both databases."""
        named = (self.number, self.source, self.refusal, unified(self.remote), self.is_whole, self.event_id)
        digest = hashed(orjson.dumps((named, to_ms(self.received_at), len(self.head), len(self.body))))
        digest.update(self.head)
        digest.update(self.body)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class MovedFigure:
    """How often one thing happened in a minute."""

    at: datetime
    what: str
    name: str
    result: str
    count: int
    seconds: float

    @property
    def place(self) -> Place:
        """Return where it stands: by its minute, and there by its names."""
        return numbered_place(to_ms(self.at))[0], BETWEEN_NAMES.join((self.what, self.name, self.result)).encode()

    def digest(self) -> bytes:
        """Return what makes it the same in both databases."""
        return hashed(
            orjson.dumps((to_ms(self.at), self.what, self.name, self.result, self.count, self.seconds))
        ).digest()


Record: TypeAlias = MovedEvent | MovedKey | MovedLane | MovedReplay | MovedRejection | MovedFigure


def numbered_place(number: int) -> Place:
    """Return where what is told by a number stands: as texts they are in the same order."""
    return f"{number:019d}", b""


def number_at(place: Place) -> int:
    """Return the number of a place; that of the first one is below all."""
    return int(place[0] or -1)


def time_at(place: Place) -> datetime:
    """Return the time of a place that begins with one."""
    return datetime.fromtimestamp(number_at(place) / 1000, UTC)


def names_at(place: Place) -> tuple[str, str, str]:
    """Return what, name and result of a minute's figure; before all of them, nothing."""
    what, name, result = place[1].decode().split(BETWEEN_NAMES) if place[1] else ("", "", "")
    return what, name, result


def maybe_ms(time: datetime | None) -> int | None:
    """Return a time as digests have it."""
    return None if time is None else to_ms(time)


def unified(text: str | None) -> str | None:
    """Return a text as digests have it."""
    return text and text.replace(UNHOLDABLE, IN_ITS_PLACE)


def hashed(content: bytes) -> "blake2b":
    """Return a digest that has taken this."""
    return blake2b(content, digest_size=DIGEST_BYTES)
