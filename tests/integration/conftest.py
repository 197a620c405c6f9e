"""A worker on a real store, with a target that answers as the test says and a clock moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relay.domain import Attempt, Delivery, DeliveryStatus, Event, Outcome, Plan, RetryPolicy, Target
from relay.gate import Gate
from relay.lanes import Lane, Lanes
from relay.memory import Memory
from relay.scheduler import Scheduler
from relay.store.protocol import EventRecord, LaneState, Store
from relay.tenure import Tenure
from relay.worker import Worker
from tests.admin import Client, Office
from tests.builders import a_plan, an_event
from tests.conftest import ManualClock
from tests.integration.door import Door, opened_door
from tests.integration.journal import Journal
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore, Storage


@dataclass
class ScriptedTarget:
    """A sender whose answers, and their details, are given in advance; without any it accepts."""

    clock: ManualClock
    answers: list[Outcome | Exception] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)
    open_gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.open_gate.set()
        self._passes = asyncio.Semaphore(0)

    def let_through(self, count: int) -> None:
        """Answer so many of those that wait at the closed gate."""
        for _ in range(count):
            self._passes.release()

    async def send(self, delivery: Delivery) -> Attempt:
        self.sent.append((delivery.event.id, delivery.attempt))
        self.waiting += 1
        passing = [asyncio.ensure_future(self.open_gate.wait()), asyncio.ensure_future(self._passes.acquire())]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for other in passing:
            other.cancel()
        self.waiting -= 1
        answer = self.answers.pop(0) if self.answers else Outcome.ACCEPTED
        if isinstance(answer, Exception):
            raise answer
        detail = self.details.pop(0) if self.details else ""
        return Attempt(delivery.attempt, self.clock.now(), 0.01, answer, detail=detail)

    async def close(self) -> None: ...


@dataclass
class Bench:
    """One target's worker with everything around it."""

    store: Store
    clock: ManualClock
    target: ScriptedTarget
    lanes: Lanes
    worker: Worker
    journal: Journal
    tenure: Tenure

    async def story(self, event_id: str) -> EventRecord:
        record = await self.store.event(event_id)
        assert record is not None
        return record

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Let the loop turn until something is so; a test that waits in vain fails by its deadline."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not await is_so():
                await asyncio.sleep(0.001)

    async def until_asleep(self) -> None:
        """Wait until nobody looks at the store, but for what comes with time."""

        async def is_so() -> bool:
            return self.clock.is_slept_by

        await self.until(is_so)

    @property
    def gate(self) -> Gate:
        return self.lanes.gates["erp"]

    async def accept(self, event: Event | None = None, plan: Plan | None = None, *, order: str | None = None) -> Event:
        """Accept as ingest does: with places in the lanes."""
        event = event or an_event(at=self.clock.now())
        plan = plan or a_plan("erp", at=self.clock.now(), order=order)
        places = self.lanes.reserve(event, plan, self.clock.now())
        receipt = await self.store.accept(event, plan, places.leases)
        self.lanes.fill(places, plan, receipt)
        return event

    async def look(self) -> None:
        """Look at the gate, and keep what is leased, as maintenance does again and again: what is noted is no news."""

        async def nothing_is_being_noted() -> bool:
            return self.gate.notes_answered == self.gate._notes_begun

        await self.until(nothing_is_being_noted)
        self.tenure.prolonged(self.clock.monotonic())
        notes_answered = self.gate.notes_answered
        await self.gate.look((await self.store.lanes()).get("erp", LaneState()), notes_answered)

    async def until_sent(self, count: int) -> None:
        """Wait until so many attempts were begun, and see that no further one is."""

        async def is_so() -> bool:
            return len(self.target.sent) >= count

        await self.until(is_so)
        await asyncio.sleep(0.02)
        assert count == len(self.target.sent)

    async def until_said(self, what: str, said: Sequence[Mapping[str, Any]]) -> None:
        """Wait for a line of the log."""

        async def is_so() -> bool:
            return any(line["event"] == what for line in said)

        await self.until(is_so)

    async def until_status(self, event_id: str, status: DeliveryStatus, *, attempts: int | None = None) -> None:
        async def is_so() -> bool:
            (delivery,) = (await self.story(event_id)).deliveries
            return delivery.status is status and attempts in (None, len(delivery.attempts))

        await self.until(is_so)


POLICY = RetryPolicy(base_s=10, factor=3, cap_s=100, jitter=0)


@pytest.fixture
def target() -> Target:
    """The target whose worker is on the bench; a test may bring another."""
    return Target("erp", concurrency=2, retry=POLICY)


@pytest.fixture
async def bench(store: Store, clock: ManualClock, target: Target) -> AsyncIterator[Bench]:
    sender, journal = ScriptedTarget(clock), Journal()
    tenure = Tenure(clock)
    lane = Lane(target, "worker-a", Memory(), Gate(target, store, clock, journal), tenure)
    lanes = Lanes([lane])
    scheduler = Scheduler(store, lanes, ["erp"], clock)
    worker = Worker(lane, sender, store, scheduler, clock, journal, lambda: 0.0)
    watching = asyncio.create_task(scheduler.run())
    worker.start()
    yield Bench(store, clock, sender, lanes, worker, journal, tenure)
    sender.open_gate.set()
    await worker.stop(1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.fixture
async def door(storage: Storage, open_store: OpenStore, clock: ManualClock) -> AsyncIterator[Door]:
    async with opened_door(storage, open_store, clock) as opened:
        yield opened


@pytest.fixture
def office(store: Store, clock: ManualClock, tmp_path: Path) -> Office:
    folder = tmp_path / "office"
    folder.mkdir()
    return Office(store, clock, Journal(), folder)


@pytest.fixture
async def admin(office: Office) -> AsyncIterator[Client]:
    async with office.open() as client:
        yield client
