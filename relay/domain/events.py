"""What was told us, once, and what becomes of it: events, deliveries, attempts."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from relay.clock import to_ms
from relay.domain.frozen import value
from relay.domain.shapes import Call

ENTROPY_BYTES = 10


class DeliveryStatus(StrEnum):
    """Where a delivery stands: `pending → sending → delivered | dead | cancelled`.

    `sending → pending` is a retry or a lost lease; a final one becomes pending again only by replay.
    "Retrying" is no status of its own: it is pending with attempts made.
    """

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more will be tried by itself."""
        return self in FINAL_STATUSES


FINAL_STATUSES = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.CANCELLED})


class Outcome(StrEnum):
    """What came of one attempt."""

    ACCEPTED = "accepted"  # 2xx
    BUSY = "busy"  # 429, 503: the target asks for patience
    ERRORED = "errored"  # any other status, redirects included
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"  # refused, broken, no such host, TLS, no HTTP
    REJECTED = "rejected"  # a status that the target's `final` names
    BLOCKED = "blocked"  # we refused to send: by the address guard, or because an expression fails
    LOST = "lost"  # the worker vanished during the attempt


@value(frozen=True, slots=True)
class Event:
    """Something a source told us, once."""

    id: str  # "evt_" and 32 hex digits, the first 12 of them the time in milliseconds
    source: str
    type: str
    key: bytes  # what makes two requests the same event, within the source
    key_expires_at: datetime | None  # until when a repeat of the key is a duplicate; None: for ever
    received_at: datetime
    headers: tuple[tuple[str, str], ...]  # as they came, without credentials
    body: bytes
    secret_number: int | None = None  # which of the source's secrets proved it, from 1; None: none had to, or not known

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case, or None."""
        return next(self.headers_named(name), None)

    def headers_named(self, name: str) -> Iterator[str]:
        """Yield the values of every header of that name, in any case."""
        lower = name.lower()
        return (value for held, value in self.headers if held.lower() == lower)


def new_event_id(now: datetime, entropy: bytes) -> str:
    """Name an event by its time and 80 random bits: unique everywhere, and in order of arrival.

    entropy: `ENTROPY_BYTES`. Source: the layout of RFC 9562's UUIDv7, without its fixed bits.
    """
    return f"evt_{to_ms(now):012x}{entropy.hex()}"


class Verdict(StrEnum):
    """What a route said to an event."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    FAILED = "failed"  # its expression could not be evaluated: counted and shown, and the event is kept


@value(frozen=True, slots=True)
class PlannedDelivery:
    """A delivery that is to be stored with its event."""

    route: str
    target: str
    due_at: datetime
    deadline_at: datetime  # no attempt is planned for after it
    order: str | None = None  # of the target's deliveries with the same value one goes at a time


@value(frozen=True, slots=True)
class Plan:
    """Everything an event must become, and each route's reason."""

    deliveries: tuple[PlannedDelivery, ...]
    verdicts: tuple[tuple[str, Verdict], ...]  # (route's name, what it said)


class GateState(StrEnum):
    """What the gate of a target lets through: everything, one delivery to try, or nothing."""

    OPERATING = "operating"
    PROBING = "probing"
    BROKEN = "broken"
    PAUSED = "paused"


@value(frozen=True, slots=True)
class Hold:
    """A time in which a target's deliveries were held. ended_at: None while it lasts."""

    began_at: datetime
    ended_at: datetime | None = None


@value(frozen=True, slots=True)
class Lease:
    """The right of one worker to carry a delivery, until a time."""

    worker: str
    until: datetime


@value(frozen=True, slots=True)
class Delivery:
    """An event on its way to one target, leased to whoever holds this."""

    id: int
    event: Event
    route: str
    target: str
    attempt: int  # the number of the attempt that the lease is for: 1, 2, …
    attempts_before: int  # those made before the last replay: the schedule starts anew with each
    planned_at: datetime
    deadline_at: datetime  # but for the time that its target was held since it was planned
    order: str | None = None
    call: Call | None = None  # how a shaped one is sent

    @property
    def attempts_made(self) -> int:
        """Return how many attempts the schedule counts, this one included."""
        return self.attempt - self.attempts_before

    @property
    def is_replayed(self) -> bool:
        """Tell whether it was final before, after attempts, and began anew."""
        return self.attempts_before > 0


@value(frozen=True, slots=True)
class Attempt:
    """One try to carry a delivery, as it is told later."""

    number: int
    started_at: datetime
    duration_s: float
    outcome: Outcome
    status: int | None = None  # the answer's HTTP status
    detail: str = ""  # what went wrong, in words; never a secret
    excerpt: bytes = b""  # the first KiB of the answer
    retry_after_s: float | None = None  # what the target asked for, already in seconds


class Receipt(NamedTuple):
    """The proof that an event is on disk: it exists only after commit."""

    event_id: str
    is_duplicate: bool
    deliveries: tuple[Delivery, ...] = ()  # those leased to the caller, ready to be carried
