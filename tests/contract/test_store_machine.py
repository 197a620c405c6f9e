"""The life of deliveries as a state machine: two workers on one database, and either may die between any two steps."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from relay.domain import Attempt, Delivery, DeliveryStatus, Event, Lease, Outcome, Plan
from relay.store.protocol import Settlement, Store
from tests.builders import a_plan, again, an_attempt, an_event, dead, delivered
from tests.conftest import START
from tests.storage import Storage

MANY = 10**9
LEASE = timedelta(seconds=60)
EVENTS_MAX = 8
PENDING, SENDING = DeliveryStatus.PENDING, DeliveryStatus.SENDING

which = st.integers(0, 1)
_machines = count(1)


@dataclass
class Expected:
    """One delivery as it must stand. attempts: those counted so far, by claim. holder, until: while it is sent."""

    target: str
    status: DeliveryStatus
    due_at: datetime
    attempts: int = 0
    holder: str = ""
    until: datetime = START
    recorded: int = 0

    def lease_to(self, holder: str, until: datetime) -> None:
        self.status, self.holder, self.until = SENDING, holder, until
        self.attempts += 1

    def begin_anew(self, now: datetime) -> None:
        self.status, self.due_at = PENDING, now


@dataclass
class Worker:
    """One process: its store, and what it holds in memory, which dies with it."""

    name: str
    store: Store
    held: list[Delivery] = field(default_factory=list)


class LifeCycle(RuleBasedStateMachine):
    """Whatever happens in whatever order, the store tells of each delivery what the rules of its life say."""

    storage: ClassVar[Storage]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_machines)
        self.source = f"shop-{self.number}"
        self.targets = [f"{name}-{self.number}" for name in ("erp", "chat")]
        self.now = START
        self.names = count(1)
        self.workers = [self.start_worker(), self.start_worker()]
        self.events: dict[str, Event] = {}
        self.expected: dict[str, dict[str, Expected]] = {}
        self.forgotten: list[Delivery] = []  # what a dead worker held: it may come back from the dead

    def run_async(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(doing)

    def start_worker(self) -> Worker:
        name = f"worker-{self.number}-{next(self.names)}"
        store = self.storage.store(name)
        self.run_async(store.open())
        return Worker(name, store)

    def teardown(self) -> None:
        """End with nothing left to do, so that the next machine on this database finds none of ours."""
        for target in self.targets:
            self.run_async(self.workers[0].store.changes.cancel_pending(target, self.now, MANY))
        for worker in self.workers:
            self.run_async(worker.store.close())

    # ── what workers do ─────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: len(self.events) < EVENTS_MAX)
    @rule(index=which, leased=st.sets(st.integers(0, 1)))
    def accept(self, index: int, leased: set[int]) -> None:
        worker, event, plan = self.workers[index], self.an_event(), self.a_plan()
        leases = {place: self.lease(worker) for place in leased}
        receipt = self.run_async(worker.store.accept(event, plan, leases))

        assert (event.id, False) == (receipt.event_id, receipt.is_duplicate)
        assert len(leased) == len(receipt.deliveries)
        self.expect(event, leases)
        worker.held += receipt.deliveries
        self.see(event.id)

    @precondition(lambda self: len(self.events) < EVENTS_MAX)
    @rule(index=which, leased=st.sets(st.integers(0, 1)), turns=st.integers(0, 6))
    def die_while_accepting(self, index: int, leased: set[int], turns: int) -> None:
        """Nobody knows whether it was committed: it is there whole, or not at all, and a repeat is one event."""
        worker, event, plan = self.workers[index], self.an_event(), self.a_plan()
        leases = {place: self.lease(worker) for place in leased}
        self.run_async(_cut_off(worker.store.accept(event, plan, leases), turns))
        self.die(index)

        other = self.workers[1 - index]
        if self.run_async(other.store.event(event.id)) is not None:
            self.expect(event, leases)
            self.see(event.id)
        repeat = self.an_event(event.key)
        receipt = self.run_async(other.store.accept(repeat, plan, {}))
        assert receipt.is_duplicate is (event.id in self.events)
        assert receipt.event_id == (event.id if receipt.is_duplicate else repeat.id)
        if not receipt.is_duplicate:
            self.expect(repeat, {})
        self.see(receipt.event_id)

    @precondition(lambda self: self.events)
    @rule(index=which, data=st.data())
    def repeat(self, index: int, data: st.DataObject) -> None:
        """A duplicate stores nothing, and lets what was given up be tried again."""
        event = self.events[data.draw(st.sampled_from(sorted(self.events)))]
        again_sent = self.an_event(event.key)
        receipt = self.run_async(self.workers[index].store.accept(again_sent, self.a_plan(), {}))

        assert (event.id, True) == (receipt.event_id, receipt.is_duplicate)
        for expected in self.expected[event.id].values():
            if expected.status is DeliveryStatus.DEAD:
                expected.begin_anew(self.now)
        self.see(event.id)

    @rule(index=which, place=which, limit=st.integers(1, 4))
    def claim(self, index: int, place: int, limit: int) -> None:
        worker, target = self.workers[index], self.targets[place]
        claimed = self.run_async(worker.store.claim(target, self.lease(worker), self.now, limit, MANY))

        due = [one for one in self.of_target(target) if one.status is PENDING and one.due_at <= self.now]
        assert len(claimed) == min(limit, len(due))
        for delivery in claimed:
            expected = self.expected[delivery.event.id][target]
            assert expected in due
            expected.lease_to(worker.name, self.now + LEASE)
            assert expected.attempts == delivery.attempt
            assert self.events[delivery.event.id].body == delivery.event.body
            self.see(delivery.event.id)
        worker.held += claimed

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(data=st.data(), end=st.sampled_from([delivered, dead, again]))
    def settle(self, data: st.DataObject, end: Any) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.workers if worker.held]))
        delivery = worker.held.pop(data.draw(st.integers(0, len(worker.held) - 1)))
        self.settle_by(worker, end(delivery, self.now) if end is again else end(delivery))

    @precondition(lambda self: self.forgotten)
    @rule(index=which, data=st.data(), end=st.sampled_from([delivered, dead]))
    def settle_late(self, index: int, data: st.DataObject, end: Any) -> None:
        """One that was given up for dead comes back with a result: it counts only if nobody took over."""
        delivery = self.forgotten.pop(data.draw(st.integers(0, len(self.forgotten) - 1)))
        self.settle_by(self.workers[index], end(delivery))

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([worker for worker in self.workers if worker.held]))
        given_back, worker.held = worker.held, []
        self.run_async(worker.store.release(given_back))

        for delivery in given_back:
            expected = self.expected_of(delivery)
            if self.is_leased(delivery):
                expected.status = PENDING
                expected.attempts -= 1
            self.see(delivery.event.id)

    @rule(index=which)
    def renew(self, index: int) -> None:
        worker = self.workers[index]
        self.run_async(worker.store.renew(self.now + LEASE))
        for expected in self.all_expected():
            if expected.status is SENDING and expected.holder == worker.name:
                expected.until = max(expected.until, self.now + LEASE)

    @rule(index=which)
    def reclaim(self, index: int) -> None:
        """What a dead worker held, or one that overran its lease, is found, all of it and nothing else."""
        worker = self.workers[index]
        found = self.run_async(worker.store.abandoned(self.now, MANY, MANY))
        living = {worker.name for worker in self.workers}

        ours = [delivery for delivery in found if delivery.target in self.targets]
        lost = [one for one in self.all_expected() if self.is_lost(one, worker.name, living)]
        assert len(ours) == len(lost)
        for delivery in ours:
            assert self.expected_of(delivery) in lost
            attempt = an_attempt(delivery, Outcome.LOST)
            self.settle_by(worker, Settlement(delivery, attempt, PENDING, self.now))

    @rule(index=which)
    def die(self, index: int) -> None:
        """A worker ends with all that it holds; another starts in its place."""
        worker = self.workers[index]
        self.run_async(worker.store.close())
        self.forgotten += worker.held
        self.workers[index] = self.start_worker()

    # ── what time and operators do ──────────────────────────────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([1, 30, 61]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.events)
    @rule(index=which, data=st.data())
    def replay(self, index: int, data: st.DataObject) -> None:
        event_id = data.draw(st.sampled_from(sorted(self.events)))
        final = [one for one in self.expected[event_id].values() if one.status.is_final]
        assert len(final) == self.run_async(self.workers[index].store.replay(event_id, self.now))
        for expected in final:
            expected.begin_anew(self.now)
        self.see(event_id)

    # ── the rules ───────────────────────────────────────────────────────────────────────────────────────────────────

    def an_event(self, key: bytes | None = None) -> Event:
        return an_event(key=key.decode() if key else None, at=self.now, source=self.source, body=b"%d" % self.number)

    def a_plan(self) -> Plan:
        return a_plan(*self.targets, at=self.now)

    def lease(self, worker: Worker) -> Lease:
        return Lease(worker.name, self.now + LEASE)

    def expect(self, event: Event, leases: dict[int, Lease]) -> None:
        self.events[event.id] = event
        self.expected[event.id] = {target: Expected(target, PENDING, self.now) for target in self.targets}
        for place, lease in leases.items():
            self.expected[event.id][self.targets[place]].lease_to(lease.worker, lease.until)

    def settle_by(self, worker: Worker, settlement: Settlement) -> None:
        """A result counts only while its attempt is the last; it is recorded in any case."""
        delivery, expected = settlement.delivery, self.expected_of(settlement.delivery)
        is_leased = self.is_leased(delivery)
        assert is_leased is self.run_async(worker.store.settle(settlement))
        if is_leased:
            expected.status = settlement.status
            expected.due_at = settlement.due_at or expected.due_at
        self.see(delivery.event.id)

    def is_leased(self, delivery: Delivery) -> bool:
        expected = self.expected_of(delivery)
        return expected.status is SENDING and expected.attempts == delivery.attempt

    def is_lost(self, one: Expected, looker: str, living: set[str]) -> bool:
        has_ended = one.holder not in living or one.until <= self.now
        return one.status is SENDING and one.holder != looker and has_ended

    def expected_of(self, delivery: Delivery) -> Expected:
        return self.expected[delivery.event.id][delivery.target]

    def all_expected(self) -> list[Expected]:
        return [one for by_target in self.expected.values() for one in by_target.values()]

    def of_target(self, target: str) -> list[Expected]:
        return [one for one in self.all_expected() if one.target == target]

    def see(self, event_id: str) -> None:
        """The store tells what must be so, whichever worker is asked; and its counts are what a count would find."""
        for worker in self.workers:
            record = self.run_async(worker.store.event(event_id))
            told = {delivery.target: delivery.status for delivery in record.deliveries}
            assert told == {one.target: one.status for one in self.expected[event_id].values()}
            assert all(_is_in_order(delivery.attempts) for delivery in record.deliveries)
        lanes = self.run_async(self.workers[0].store.lanes())
        for target in self.targets:
            statuses = [one.status for one in self.of_target(target)]
            unfinished = sum(not status.is_final for status in statuses)
            assert (unfinished, statuses.count(DeliveryStatus.DEAD)) == (lanes[target].unfinished, lanes[target].dead)


def _is_in_order(attempts: Sequence[Attempt]) -> bool:
    numbers = [attempt.number for attempt in attempts]
    return numbers == sorted(set(numbers))


async def _cut_off(doing: Coroutine[Any, Any, Any], turns: int) -> None:
    """Let something go on for so many turns of the loop, and no longer."""
    task = asyncio.ensure_future(doing)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_delivery_lives_by_the_rules_whoever_dies_meanwhile(storage: Storage) -> None:
    """Promises 1, 2, 3 and 7, in whatever order things happen: shortest counterexample first."""
    with asyncio.Runner() as runner:
        run_state_machine_as_test(
            type("LifeCycleOnStorage", (LifeCycle,), {"storage": storage, "runner": runner}),
            settings=settings(
                max_examples=8,
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
