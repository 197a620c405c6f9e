"""Installations with a past: everything that can become of an event, drawn by chance from a seed; what they tell."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import Attempt, DeliveryStatus, Event, Outcome, Plan, PlannedDelivery, Rate, Refusal, Verdict
from relay.minutes import minute_of
from relay.replays import new_replay
from relay.store.ports.minutes import Figure, Kind
from relay.store.ports.rejections import Bounds, Rejection
from relay.store.ports.replays import Replay, ReplayStep
from relay.store.ports.search import EventFilter
from relay.store.protocol import EventRecord, LaneState, Settlement, Store
from tests.builders import WEEK, a_lease, a_rejection, an_event
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
        doings = [self.accept, self.accept, self.repeat, self.carry, self.carry, self.replay, self.hold, self.trip]
        doings += [self.refuse, self.count, self.replay_many]
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

    async def refuse(self) -> None:
        """Keep some refused requests; admit one of them."""
        chance = self.chance
        kept = [
            a_rejection(
                source=chance.choice(SOURCES),
                refusal=chance.choice((*Refusal,)),
                received_at=self.now,
                body=chance.randbytes(chance.choice((0, 20, 3000))),
                is_whole=chance.random() < 0.8,
            )
            for _ in range(chance.randrange(1, 4))
        ]
        await self.store.rejections.keep(kept, Bounds(START, 20, MANY))
        if self.events:
            (newest,) = await self.store.rejections.page(None, None, None, 1)
            await self.store.rejections.note_admitted(newest.number, chance.choice(self.events).id)

    async def count(self) -> None:
        """Add to a minute; forget the oldest ones."""
        chance = self.chance
        counts = {
            Kind(what, name, result): (chance.randrange(9), chance.random())
            for what in ("event", "delivery", "duration")
            for name in chance.sample(SOURCES, 2)
            for result in chance.sample(("accepted", "busy", "0.1"), 2)
        }
        await self.store.minutes.add(minute_of(self.now), counts, self.now - 2 * DAY)

    async def replay_many(self) -> None:
        """Begin a job, take a step of it, and perhaps cancel it or come to its end."""
        chance = self.chance
        wanted = EventFilter(chance.choice((None, *SOURCES)), since=START, text=chance.choice((None, "ü")))
        job = new_replay(wanted, self.now, chance.randbytes(10), only_dead=chance.random() < 0.5)
        await self.store.replays.begin(job)
        if self.events and chance.random() < 0.8:
            event_id = chance.choice(self.events).id
            step = ReplayStep([event_id], event_id, 7, self.now + SECOND, chance.random() < 0.4)
            await self.store.replays.advance(job, step, self.now)
        if chance.random() < 0.3:
            await self.store.replays.cancel(job.id, self.now)

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


async def paperwork(store: Store) -> tuple[Sequence[Replay], list[Rejection | None], Sequence[Figure]]:
    """Tell which jobs there are, what was refused, to the letter, and what happened in each minute."""
    kept = [await store.rejections.one(row.number) for row in await store.rejections.page(None, None, None, 1000)]
    figures = await store.minutes.between(START - DAY, START + 1000 * DAY)
    return await store.replays.all(1000), kept, figures


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
