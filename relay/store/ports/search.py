"""Finding events and deliveries again: by filter, newest first, a page at a time.

Nothing here counts or reads a whole table. Where no index leads to what is asked, a bounded stretch is searched and the
page tells how far it came, and from where the next one goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from relay.domain import DeliveryStatus


class EventStatus(StrEnum):
    """How an event stands by all of its deliveries: the worst of them tells."""

    DEAD = "dead"  # one at least was given up
    PENDING = "pending"  # none was given up, and one at least is still to be delivered
    CANCELLED = "cancelled"  # nothing is left to do, and one at least was cancelled
    DELIVERED = "delivered"  # all of them
    UNROUTED = "unrouted"  # there are none


_BY_DELIVERY = {
    DeliveryStatus.DEAD: EventStatus.DEAD,
    DeliveryStatus.PENDING: EventStatus.PENDING,
    DeliveryStatus.SENDING: EventStatus.PENDING,
    DeliveryStatus.CANCELLED: EventStatus.CANCELLED,
    DeliveryStatus.DELIVERED: EventStatus.DELIVERED,
}
RANKS = {status: rank for rank, status in enumerate(reversed(EventStatus))}  # the worst is the highest


def fold(statuses: Iterable[DeliveryStatus]) -> EventStatus:
    """Tell how an event stands whose deliveries stand so."""
    return max((_BY_DELIVERY[status] for status in statuses), key=RANKS.__getitem__, default=EventStatus.UNROUTED)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant; all of what is given must hold.

    since, until: when they were received, the first included. text: stands in the id, in the key, or within the first
    `TEXT_BYTES_MAX` bytes of the body, in just these letters; also as JSON writes it in ASCII.
    """

    source: str | None = None
    type: str | None = None
    status: EventStatus | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event in a list. deliveries: (target, status), in the order of its routes."""

    id: str
    source: str
    type: str
    key: bytes
    received_at: datetime
    body_bytes: int
    deliveries: tuple[tuple[str, DeliveryStatus], ...]

    @property
    def status(self) -> EventStatus:
        """Return how it stands."""
        return fold(status for _, status in self.deliveries)


@dataclass(frozen=True, slots=True)
class EventIds:
    """Events that were found. searched: how many were looked at. last: after which the search goes on, if it does."""

    ids: tuple[str, ...]
    searched: int
    last: str | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events. searched, last: as in `EventIds`."""

    events: tuple[EventRow, ...]
    searched: int
    last: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are: exactly, or at least."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries are meant; all of what is given must hold. since, until: when their event was received."""

    target: str | None = None
    status: DeliveryStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery in a list. due_at: None where it waits for another of its order, or is final."""

    id: int
    event_id: str
    source: str
    type: str
    target: str
    route: str
    status: DeliveryStatus
    attempts: int
    planned_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries, the latest numbers first. searched, last: as in `EventIds`."""

    deliveries: tuple[DeliveryRow, ...]
    searched: int
    last: int | None


class Search(Protocol):
    """Questions that change nothing."""

    async def events(self, wanted: EventFilter, after: str | None, limit: int, *, bodies: bool = True) -> EventPage:
        """Return events newest first. after: the last id of the page before.

        bodies: whether the text is looked for in bodies, too; in ids and keys alone it is found many times as fast.
        """
        ...

    async def event_ids(self, wanted: EventFilter, after: str | None, limit: int, *, oldest_first: bool) -> EventIds:
        """Return no more than their ids, in either order."""
        ...

    async def deliveries(self, wanted: DeliveryFilter, after: int | None, limit: int) -> DeliveryPage:
        """Return deliveries, the latest first. after: the last number of the page before."""
        ...

    async def delivery(self, delivery_id: int) -> DeliveryRow | None:
        """Return one delivery, or None."""
        ...


def needles(text: str) -> Sequence[bytes]:
    """Return what to look for in keys and bodies: a text as it is, and as JSON in ASCII has it where that differs."""
    plain = text.encode("utf-8", "surrogateescape")
    escaped = "".join(char if char < "\x80" else _escaped(char) for char in text).encode()
    return [plain] if plain == escaped else [plain, escaped]


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))
