"""What moving an installation asks of a database: its records in order, engine by engine alike, and writing them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import orjson

from relay.store.records import DIGEST_BYTES, Place, Record, hashed, unified

FIRST: Place = ("", b"")  # before every record


class Section(StrEnum):
    """A kind of records. What a later one refers to is in an earlier one."""

    EVENTS = "events"  # each with its body, deliveries and attempts
    KEYS = "keys"
    LANES = "lanes"  # of targets: paused, broken, held, and what their rate has granted
    REPLAYS = "replays"
    REJECTIONS = "rejections"  # each with its request
    MINUTES = "minutes"


COUNTED: Mapping[Section, str] = {  # the table that has a row for each record
    Section.EVENTS: "events",
    Section.KEYS: "dedupe_keys",
    Section.REPLAYS: "replays",
    Section.REJECTIONS: "rejections",
    Section.MINUTES: "minutes",
}
FILLED = (*COUNTED.values(), "deliveries", "holds", "grants")  # in an empty database they are empty


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
    """How much a database holds. records: of each section. bytes: of bodies."""

    records: Mapping[Section, int]
    bytes: int


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
        self._digest = hashed(b"")

    def add(self, target: str, order_value: str, event_id: str) -> None:
        """Take the next of its line."""
        if (target, order_value) != self._line:
            self._end_line()
            self._line = (target, order_value)
            self._digest = hashed(orjson.dumps((target, unified(order_value))))
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
