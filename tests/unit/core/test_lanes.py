"""A lane's window: its places, and the bound on bodies in memory."""

import asyncio

from relay.domain import Target
from relay.gate import Gate
from relay.lanes import Lane, Memory
from relay.store.protocol import Store
from tests.builders import an_event
from tests.conftest import START, ManualClock
from tests.integration.conftest import Journal
from tests.unit.core.test_retry import a_delivery

MIB = 1024 * 1024


def a_lane(memory: Memory, store: Store, clock: ManualClock) -> Lane:
    target = Target("erp")
    return Lane(target, "worker-a", memory, Gate(target, store, clock, Journal()))


async def test_full_memory_lets_no_more_bodies_in(store: Store, clock: ManualClock) -> None:
    """A lane that holds something waits until there is room, instead of taking one body after the other."""
    memory = Memory(bytes_max=1)
    lane = a_lane(memory, store, clock)
    delivery = a_delivery()
    lane.wake()
    await lane.hunger()
    lane.feed([delivery])

    hungry = asyncio.create_task(lane.hunger())
    await asyncio.sleep(0)
    assert not hungry.done()

    lane.done(await lane.next())
    limit, bytes_max = await hungry
    assert limit > 0
    assert bytes_max == 1


async def test_a_lane_that_holds_nothing_may_always_have_one(store: Store, clock: ManualClock) -> None:
    """One lane's large bodies must not starve another lane."""
    memory = Memory(bytes_max=1)
    memory.hold(10 * MIB)
    lane = a_lane(memory, store, clock)
    lane.wake()

    assert (32, 1) == await lane.hunger()
    assert not lane.reserve(len(an_event().body) + 1)
    assert lane.lease(START).worker == "worker-a"
