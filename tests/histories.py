"""Installations with a past: everything that can become of an event, drawn by chance from a seed; what they tell."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import Attempt, DeliveryStatus, Event, Outcome, Plan, PlannedDelivery, Rate, Verdict
from relay.store.protocol import EventRecord, LaneState, Settlement, Store
from tests.builders import WEEK, a_lease, an_event
from tests.conftest import START
from tests.storage import Storage

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MANY = 10**9
TARGETS = ("erp", "chat", "archive")
SOURCES = ("shop", "erp-events", "erp_events", "Ångström")
WINDOWS = (None, 10 * SECOND, WEEK)
BROKEN = Breaker(BreakerState.OPEN, 10, None, START, START + 30 * SECOND, 30.0, "unreachable: refused")


@dataclass(slots=True)
class History:
    """What happens, step by step, to a store."""

    store: Store
    worker: str
    seed: int
    now: datetime = START
    events: list[Event] = field(default_factory=list)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    async def go_on(self, steps: int) -> None:
        """Let so many things happen."""
        doings = (self.accept, self.accept, self.repeat, self.carry, self.carry, self.replay, self.hold, self.trip)
        for _ in range(steps):
            self.now += timedelta(milliseconds=self.chance.randrange(2 * 3600 * 1000))
            await self.chance.choice(doings)()

    async def accept(self) -> None:
        """Store some events, in one commit, of which the ids need not be in order of arrival."""
        chance = self.chance
        events = []
        for _ in range(chance.randrange(1, 8)):
            at = self.now - chance.randrange(3) * timedelta(milliseconds=500)
            body = chance.randbytes(chance.choice((0, 20, 3000)))
            events.append(an_event(at=at, source=chance.choice(SOURCES), window=chance.choice(WINDOWS), body=body))
        await asyncio.gather(*(self.store.accept(event, self._plan(event), {}) for event in events))
        self.events += events

    def _plan(self, event: Event) -> Plan:
        chance = self.chance
        planned = tuple(
            PlannedDelivery(
                "route",
                target,
                event.received_at,
                event.received_at + 3 * DAY,
                chance.choice((None, "one", "two\0zero")) if target == "erp" else None,
            )
            for target in chance.sample(TARGETS, chance.randrange(4))
        )
        return Plan(planned, (("route", Verdict.MATCHED), ("other", chance.choice((*Verdict,)))))

    async def repeat(self) -> None:
        """Let a sender send one again: a duplicate, or news once its window is over."""
        if self.events:
            first = self.chance.choice(self.events)
            again = an_event(key=first.key.decode(), at=self.now, source=first.source, window=WEEK)
            if not (await self.store.accept(again, self._plan(again), {})).is_duplicate:
                self.events.append(again)

    async def carry(self) -> None:
        """Try some deliveries; let some attempts have no end."""
        target = self.chance.choice(TARGETS)
        rate = Rate(1000, 3600.0) if target == "chat" else None
        for delivery in await self.store.claim(target, a_lease(self.worker, at=self.now), self.now, 12, MANY, rate):
            outcome = self.chance.choice((*Outcome, Outcome.ACCEPTED, None))
            if outcome is None:
                continue
            status = self.chance.choice((DeliveryStatus.PENDING, DeliveryStatus.DEAD))
            if outcome is Outcome.ACCEPTED:
                status = DeliveryStatus.DELIVERED
            attempt = Attempt(delivery.attempt, self.now, 0.125, outcome, 500, "said \0 no", self.chance.randbytes(9))
            due_at = self.now + 5 * SECOND if status is DeliveryStatus.PENDING else None
            await self.store.settle(Settlement(delivery, attempt, status, due_at))

    async def replay(self) -> None:
        """Send one again, whatever became of it."""
        if self.events:
            await self.store.replay(self.chance.choice(self.events).id, self.now)

    async def hold(self) -> None:
        """Pause a target, or let it go on."""
        await self.store.pause(self.chance.choice(TARGETS), self.now, is_paused=self.chance.random() < 0.6)

    async def trip(self) -> None:
        """Let a target's breaker open, or close."""
        target = self.chance.choice(TARGETS)
        breaker = (await self.store.lanes()).get(target, LaneState()).breaker
        await self.store.note_breaker(target, breaker, BROKEN if breaker == CLOSED else CLOSED, self.now)

    async def purge(self, before: datetime) -> None:
        """Forget what is finished and old; keys outlive it."""
        while await self.store.purge(before, before, 50, MANY):
            pass


async def cancel_some(storage: Storage) -> None:
    """Cancel what waits for one target."""
    ended = "status = 'cancelled', finished_at = due_at, reason = 'cancelled by hand'"
    await storage.execute(f"UPDATE deliveries SET {ended} WHERE status = 'pending' AND target = 'archive'")


def without_numbers(record: EventRecord | None) -> EventRecord | None:
    """Return an event's story without what each database numbers by itself, and with texts that both can hold."""
    if record is None:
        return None
    deliveries = [
        replace(
            delivery,
            id=0,
            reason=delivery.reason.replace("\0", "\ufffd"),
            attempts=tuple(replace(each, detail=each.detail.replace("\0", "\ufffd")) for each in delivery.attempts),
        )
        for delivery in record.deliveries
    ]
    return replace(record, deliveries=tuple(sorted(deliveries, key=repr)))


async def stories(store: Store, events: Sequence[Event]) -> list[EventRecord | None]:
    """Tell what became of each event."""
    return [without_numbers(await store.event(event.id)) for event in events]


async def standing(store: Store, storage: Storage) -> dict[str, LaneState]:
    """Tell how targets stand, by what is counted; those left out of whom there is nothing to tell."""
    counts = {target: (unfinished, dead) for target, unfinished, dead in await storage.rows(_COUNTED)}
    lanes = {
        name: LaneState(*counts.get(name, (0, 0)), is_paused=lane.is_paused, breaker=lane.breaker)
        for name, lane in (await store.lanes()).items()
    }
    return {name: lane for name, lane in lanes.items() if lane != LaneState()}


_COUNTED = """
    SELECT target, count(*) FILTER (WHERE finished_at IS NULL), count(*) FILTER (WHERE status = 'dead')
    FROM deliveries GROUP BY target"""


async def way_out(store: Store, worker: str, now: datetime) -> list[tuple[str, str, int]]:
    """Deliver all that can be, one after the other; tell in which order, each with its attempt's number."""
    went = []
    for target in TARGETS:
        while claimed := await store.claim(target, a_lease(worker, at=now), now, 1, MANY):
            (delivery,) = claimed
            went.append((target, delivery.event.id, delivery.attempt))
            attempt = Attempt(delivery.attempt, now, 0.0, Outcome.ACCEPTED, 200)
            await store.settle(Settlement(delivery, attempt, DeliveryStatus.DELIVERED))
    return went


def by_line(went: Sequence[tuple[str, str, int]], orders: dict[str, str | None]) -> dict[str, list[str]]:
    """Return in which order those of each line went. orders: what each event is ordered by."""
    lines: dict[str, list[str]] = {}
    for target, event_id, _ in went:
        if target == "erp" and orders.get(event_id) is not None:
            lines.setdefault(str(orders[event_id]), []).append(event_id)
    return lines
