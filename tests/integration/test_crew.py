"""Workers come, go and are replaced as the configuration changes; the lanes of the others notice nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from relay.crew import Crew, Duty
from relay.domain import DeliveryStatus, Target
from relay.gate import Gate
from relay.lanes import Lane, Lanes
from relay.memory import Memory
from relay.scheduler import Scheduler
from relay.store.protocol import Store
from relay.targets.protocol import Sender
from relay.tenure import Tenure
from relay.worker import Worker
from tests.builders import a_plan, an_event
from tests.conftest import ManualClock
from tests.integration.conftest import ScriptedTarget
from tests.integration.journal import Journal
from tests.patience import WAIT_S_MAX

ERP, LAKE = Target("erp", concurrency=1), Target("lake")


@dataclass
class Yard:
    """A crew on a store, and the senders that were made, by target."""

    store: Store
    clock: ManualClock
    lanes: Lanes
    made: dict[str, list[ScriptedTarget]] = field(default_factory=dict)

    def sender(self, duty: Duty) -> Sender:
        if duty.target.timeout_s == 13.0:
            raise OSError("its certificate cannot be read")
        self.made.setdefault(duty.target.name, []).append(ScriptedTarget(self.clock))
        return self.made[duty.target.name][-1]

    async def accept(self, target: str = "erp") -> str:
        event, plan = an_event(at=self.clock.now()), a_plan(target, at=self.clock.now())
        places = self.lanes.reserve(event, plan, self.clock.now())
        self.lanes.fill(places, plan, await self.store.accept(event, plan, places.leases))
        return event.id

    async def until_delivered(self, event_id: str) -> None:
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                record = await self.store.event(event_id)
                assert record is not None
                if record.deliveries[0].status is DeliveryStatus.DELIVERED:
                    return
                await asyncio.sleep(0.001)


@pytest.fixture
async def yard(store: Store, clock: ManualClock) -> Yard:
    return Yard(store, clock, Lanes([]))


@pytest.fixture
async def crew(yard: Yard) -> AsyncIterator[Crew]:
    store, clock, lanes, journal, memory = yard.store, yard.clock, yard.lanes, Journal(), Memory()
    tenure = Tenure(clock)
    scheduler = Scheduler(store, lanes, ["erp", "lake"], clock)

    def employ(target: Target, sender: Sender, gate: Gate | None) -> Worker:
        lane = Lane(target, "worker-a", memory, gate or Gate(target, store, clock, journal), tenure)
        return Worker(lane, sender, store, scheduler, clock, journal, lambda: 0.0)

    async def look() -> None: ...

    crew = Crew(lanes, yard.sender, employ, clock)
    crew.adopt({"erp": Duty(ERP), "lake": Duty(LAKE)})
    watching = asyncio.create_task(scheduler.run())
    crew.start(lambda _: None, look)
    yield crew
    await crew.stop(1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_successor_starts_once_what_is_under_way_has_finished(yard: Yard, crew: Crew) -> None:
    """A target with `concurrency: 1` gets one at a time, also across a reload; nothing is sent twice."""
    old = yard.made["erp"][0]
    old.open_gate.clear()
    under_way, waiting = await yard.accept(), await yard.accept()
    async with asyncio.timeout(WAIT_S_MAX):
        while not old.sent:
            await asyncio.sleep(0.001)
    crew.adopt({"erp": Duty(replace(ERP, timeout_s=9.0)), "lake": Duty(LAKE)})
    new = yard.made["erp"][1]
    other = await yard.accept("lake")
    await yard.until_delivered(other)
    assert ([(under_way, 1)], []) == (old.sent, new.sent)

    old.open_gate.set()
    await yard.until_delivered(under_way)
    yard.clock.advance(1)
    await yard.until_delivered(waiting)
    assert ([(under_way, 1)], [(waiting, 1)]) == (old.sent, new.sent)
    assert 1 == len(yard.made["lake"])


async def test_a_sender_that_cannot_be_made_changes_nothing(yard: Yard, crew: Crew) -> None:
    """Half of a configuration in use would be nobody's."""
    with pytest.raises(OSError, match="certificate"):
        crew.adopt({"erp": Duty(replace(ERP, timeout_s=13.0))})

    for target in ("erp", "lake"):
        await yard.until_delivered(await yard.accept(target))
    assert [1, 1] == [len(yard.made[target]) for target in ("erp", "lake")]


async def test_replacements_one_after_the_other_wait_for_each_other(yard: Yard, crew: Crew) -> None:
    """Who saves a file three times in a second gets what the last one says."""
    for timeout_s in (1.0, 2.0, 3.0):
        crew.adopt({"erp": Duty(replace(ERP, timeout_s=timeout_s))})
    event_id = await yard.accept()
    yard.clock.advance(1)
    await yard.until_delivered(event_id)

    assert [(event_id, 1)] == yard.made["erp"][-1].sent
    assert ["erp"] == [worker.target_name for worker in crew.at_work]
