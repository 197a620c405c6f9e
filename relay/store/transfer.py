"""What moving an installation asks of a database: its records in order, engine by engine alike, and writing them.

Two databases hold the same where their records have the same digests. A digest is made of what both engines can hold:
times in milliseconds, and texts without NUL. Rows' own numbers are no part of it: each database gives them anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, Protocol, TypeAlias

import orjson

from relay.clock import to_ms

DIGEST_BYTES = 16
UNHOLDABLE, IN_ITS_PLACE = "\0", "\N{REPLACEMENT CHARACTER}"  # what no text of PostgreSQL can hold

Place: TypeAlias = tuple[str, bytes]  # where a record stands among those of its section: both compare byte by byte
FIRST: Place = ("", b"")  # before every record


class Section(StrEnum):
    """A kind of records. What a later one refers to is in an earlier one."""

    EVENTS = "events"  # each with its body, deliveries and attempts
    KEYS = "keys"
    LANES = "lanes"  # of targets: paused, broken, held, and what their rate has granted


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
            (each.number, _ms(each.started_at), each.duration_ms, each.outcome, each.status, _text(each.detail))
            for each in self.tried
        ]
        excerpts = [each.excerpt.hex() for each in self.tried]
        return orjson.dumps((counted, [*map(_ms, times)], [*map(_text, named)], tried, excerpts))


@dataclass(frozen=True, slots=True)
class MovedEvent:
    """An event with everything that became of it. verdicts and headers: JSON, as they are stored."""

    id: str
    source: str
    type: str
    key: bytes
    key_expires_at: datetime | None
    received_at: datetime
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
        named = (self.id, self.source, _text(self.type), self.key.hex(), _text(self.verdicts))
        sizes = (len(self.headers), len(self.body))
        digest = _hashed(orjson.dumps((named, _ms(self.key_expires_at), _ms(self.received_at), sizes)))
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
        return _hashed(orjson.dumps((self.source, self.key.hex(), self.event_id, _ms(self.expires_at)))).digest()


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
        holds = sorted((_ms(began_at) or 0, _ms(ended_at) or 0) for began_at, ended_at in self.holds)
        grants = sorted(_ms(at) or 0 for at in self.grants)
        state = (self.target, self.is_paused, self.is_tripped, _text(self.breaker))
        return _hashed(orjson.dumps((state, holds, grants))).digest()


Record: TypeAlias = MovedEvent | MovedKey | MovedLane


def _ms(time: datetime | None) -> int | None:
    return None if time is None else to_ms(time)


def _text(text: str | None) -> str | None:
    return text and text.replace(UNHOLDABLE, IN_ITS_PLACE)


def _hashed(content: bytes) -> "blake2b":
    return blake2b(content, digest_size=DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Span:
    """Records after one place, up to another; None: to the end."""

    after: Place
    until: Place | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read at a time: records, and bytes of bodies; one record is always read."""

    rows: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Size:
    """How much a database holds. bytes: of bodies."""

    events: int
    keys: int
    lanes: int
    bytes: int

    def records(self, section: Section) -> int:
        """Return how many records a section has."""
        return {Section.EVENTS: self.events, Section.KEYS: self.keys, Section.LANES: self.lanes}[section]


@dataclass(frozen=True, slots=True)
class Queues:
    """Who waits for whom: deliveries with an order that are unfinished, and one checksum of all their lines."""

    count: int
    checksum: bytes


class QueueSum:
    """Sums up who waits for whom, fed line by line, each in its order. The lines themselves may come in any order."""

    def __init__(self) -> None:
        self._count = self._total = 0
        self._line: tuple[str, str] | None = None
        self._digest = _hashed(b"")

    def add(self, target: str, order_value: str, event_id: str) -> None:
        """Take the next of its line."""
        if (target, order_value) != self._line:
            self._end_line()
            self._line = (target, order_value)
            self._digest = _hashed(orjson.dumps((target, _text(order_value))))
        self._digest.update(event_id.encode())
        self._count += 1

    def result(self) -> Queues:
        """Return the sum."""
        self._end_line()
        self._line = None
        return Queues(self._count, self._total.to_bytes(DIGEST_BYTES, "big"))

    def _end_line(self) -> None:
        if self._line is not None:
            self._total ^= int.from_bytes(self._digest.digest(), "big")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a database says of the move that fills it, or filled it."""

    origin: str
    is_finished: bool

    def refusal(self, place: str) -> str:
        """Say why no relay may start here."""
        return (
            f"{place} is being filled from {self.origin} by `relay migrate`, which has not finished: "
            "run that again to its end, then start the relay"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database is found before anything is changed. Those that are not there yet are empty.

    relay: names one that runs on it. free_bytes: what its disk has left for it, where that is this machine's.
    """

    is_empty: bool
    mark: Mark | None
    relay: str | None
    free_bytes: int | None


class Transfer(Protocol):
    """A database that an installation is moved from, or to. Errors of all: StoreUnavailable, StoreError."""

    @property
    def place(self) -> str:
        """Say where it is, without user and password."""
        ...

    async def look(self) -> Standing:
        """Find out how it stands, and change nothing. Errors: StoreUnusable."""
        ...

    async def identity(self) -> str | None:
        """Return what no other database has; None where there is none yet."""
        ...

    async def open(self) -> None:
        """Make ready to be read. Errors: StoreUnusable, where it is absent, or not of this program's version."""
        ...

    async def begin(self, origin: str, now: datetime) -> None:
        """Make ready to be written, and mark it as filled from `origin`. Errors: StoreUnusable."""
        ...

    async def hold_still(self) -> str | None:
        """Let nobody change it until `close`, unless a relay runs on it: return its name, and hold nothing."""
        ...

    async def relay(self) -> str | None:
        """Name a relay that runs on it, or None."""
        ...

    async def size(self) -> Size:
        """Count."""
        ...

    async def read(self, section: Section, span: Span, bounds: Bounds) -> Sequence[Record]:
        """Read the first records of a span, in order of their places, as they are at one moment."""
        ...

    async def write(self, section: Section, records: Sequence[Record], gone: Sequence[Place]) -> None:
        """Put records in the place of those that stand there, and remove others, in one transaction."""
        ...

    async def queues(self) -> Queues:
        """Sum up who waits for whom."""
        ...

    async def finish(self, now: datetime) -> None:
        """Count what the lanes have, and let relays start."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...
