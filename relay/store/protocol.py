"""What a store can do: the verbs of the delivery life cycle. One contract suite holds every store to them.

Whatever returns from `accept`, `accept_all`, `settle`, `claim`, `release` or `replay` is on disk. Any of them raises
`StoreUnavailable` where nothing was written and trying again later makes sense, and `StoreRefused` where nothing was
written and this one change never can be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay.breaker import CLOSED, Breaker
from relay.domain import Attempt, Delivery, DeliveryStatus, Event, Hold, Lease, Plan, Rate, Receipt, Verdict
from relay.store.ports.changes import Changes
from relay.store.ports.minutes import Minutes
from relay.store.ports.rejections import Rejections
from relay.store.ports.replays import Replays
from relay.store.ports.search import Search


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one attempt leads to. `due_at` is set iff the delivery is to be tried again."""

    delivery: Delivery
    attempt: Attempt
    status: DeliveryStatus
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaneState:
    """How much one target still has to get, kept up to date by every commit: reading it counts nothing."""

    unfinished: int = 0
    dead: int = 0
    oldest_at: datetime | None = None  # when the oldest pending delivery was planned
    is_paused: bool = False
    breaker: Breaker = CLOSED


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery as it is told later, with every attempt.

    due_at: None where it waits for another of its order, or is final. attempts_before: those before it last began anew.
    """

    id: int
    target: str
    route: str
    status: DeliveryStatus
    attempts: tuple[Attempt, ...]
    due_at: datetime | None
    finished_at: datetime | None
    reason: str
    attempts_before: int


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event's whole story."""

    event: Event
    verdicts: tuple[tuple[str, Verdict], ...]
    deliveries: tuple[DeliveryRecord, ...]


class Store(Protocol):
    """Events, their keys and their deliveries, durable. What operators ask and do stands apart, one part each."""

    search: Search
    changes: Changes
    minutes: Minutes
    replays: Replays
    rejections: Rejections

    async def open(self) -> None:
        """Make ready: create or migrate the schema. Errors: StoreUnusable."""
        ...

    async def close(self) -> None:
        """Finish what was taken on, then let go."""
        ...

    async def until_broken(self) -> None:
        """Come back once closed. Errors: StoreBroken, as soon as nothing can be written any more."""
        ...

    async def woken(self) -> None:
        """Come back once another process has stored something that may be due, and leaves it to others to carry.

        A hint and no promise: who waits here looks by itself now and then, too. For one waiter at a time.
        """
        ...

    async def listeners(self) -> int:
        """Tell how many other processes wait in `woken`: those that deliver."""
        ...

    async def accept(self, event: Event, plan: Plan, leases: Mapping[int, Lease]) -> Receipt:
        """Store an event, its key and its deliveries in one transaction; or find it a duplicate.

        leases: by index into `plan.deliveries`, those that the caller will carry itself, at once: they are
        born `sending` with attempt 1 and come back in the receipt, but for those that must wait for an earlier
        one with the same order. A duplicate stores nothing, but makes the first event's dead deliveries pending again.
        """
        ...

    async def accept_all(self, batch: Sequence[tuple[Event, Plan, Mapping[int, Lease]]]) -> list[Receipt]:
        """Store several events as `accept` does each, in one transaction: all of them or none. In their order."""
        ...

    async def claim(
        self, target: str, lease: Lease, now: datetime, limit: int, bytes_max: int, rate: Rate | None = None
    ) -> list[Delivery]:
        """Lease up to `limit` due deliveries of a target and count an attempt for each.

        Those never tried come before retries, but for a quarter of the limit; each the longest due first.
        bytes_max: bound on the sum of their bodies; one delivery is always allowed. rate: no more than that is
        granted in any period, by all processes together.
        """
        ...

    async def settle(self, settlement: Settlement) -> bool:
        """Record an attempt, always, and apply its result, only if the lease still holds. Tells whether it did."""
        ...

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        """Give back leased deliveries of which no attempt was begun: pending, the attempt uncounted."""
        ...

    async def renew(self, until: datetime) -> None:
        """Prolong every lease that this process holds."""
        ...

    async def abandoned(self, now: datetime, limit: int, bytes_max: int) -> list[Delivery]:
        """List deliveries whose lease ran out or whose worker is gone. `settle` them as `lost`.

        Those of this process are never among them. bytes_max: as for `claim`.
        """
        ...

    async def replay(self, event_id: str, now: datetime) -> int:
        """Make every final delivery of an event pending again, whatever became of it. Tells how many."""
        ...

    async def note_breaker(self, target: str, before: Breaker, after: Breaker, now: datetime) -> bool:
        """Change what is known of a target's health. Tells whether it was as `before`; nothing is changed if not."""
        ...

    async def pause(self, target: str, now: datetime, *, is_paused: bool) -> None:
        """Hold a target's deliveries, or let them go on."""
        ...

    async def holds(self, target: str) -> tuple[Hold, ...]:
        """Tell when a target's deliveries were held: it was paused, or its breaker open. The last may not have ended.

        What ended longer ago than history is kept is left out.
        """
        ...

    async def next_due(self, targets: Sequence[str]) -> Mapping[str, datetime]:
        """Tell when each target's next pending delivery is due; targets without one are left out.

        What waits for another with the same value is not due before that one is final.
        """
        ...

    async def lanes(self) -> Mapping[str, LaneState]:
        """Tell every target's state, those no longer configured included."""
        ...

    async def event(self, event_id: str) -> EventRecord | None:
        """Return an event's whole story, or None."""
        ...

    async def event_ids(self, after: str, limit: int) -> list[str]:
        """List the ids that follow one, in order of arrival; it need not be there itself."""
        ...

    async def purge(self, before: datetime, now: datetime, limit: int, bytes_max: int) -> bool:
        """Drop up to `limit` events received before a time and finished, and keys past their window.

        bytes_max: as for `claim`. Gives space back to the disk, a little at a time. Tells whether there may be more.
        """
        ...

    async def probe(self, now: datetime) -> None:
        """Really commit something. Errors: StoreUnavailable."""
        ...

    def free_bytes(self) -> int | None:
        """Return how much room the disk has left, or None where it is not this machine's."""
        ...
