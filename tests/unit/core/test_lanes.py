"""A lane's window: its places, and the bound on bodies in memory."""

import asyncio

from relay.domain import Target
from relay.gate import Gate
from relay.lanes import Lane
from relay.memory import Memory
from relay.store.protocol import Store
from relay.tenure import Tenure
from tests.conftest import START, ManualClock
from tests.integration.journal import Journal
from tests.unit.core.test_retry import a_delivery

MIB = 1024 * 1024


def a_lane(memory: Memory, store: Store, clock: ManualClock) -> Lane:
    target = Target("erp")
    return Lane(target, "worker-a", memory, Gate(target, store, clock, Journal()), Tenure(clock))


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
    """A body larger than all the room there is must be delivered, too."""
    memory = Memory(bytes_max=1)
    a_lane(memory, store, clock).reserve(10 * MIB)
    lane = a_lane(memory, store, clock)
    lane.wake()

    assert (32, 1) == await lane.hunger()
    assert lane.reserve(10 * MIB)
    assert not lane.reserve(1)
    assert lane.lease(START).worker == "worker-a"


async def test_a_lane_full_of_large_bodies_leaves_the_others_their_share(store: Store, clock: ManualClock) -> None:
    """A target that is behind with its documents delays no other's bookings: each lane has room of its own."""
    memory = Memory(bytes_max=8 * MIB)
    full, other = a_lane(memory, store, clock), a_lane(memory, store, clock)
    while full.reserve(MIB):
        pass

    assert [True, True, False] == [other.reserve(MIB) for _ in range(3)]


async def test_a_lane_that_is_alone_may_take_what_is_common(store: Store, clock: ManualClock) -> None:
    """Its own share and the common half; and what it lets go is there for the next."""
    memory = Memory(bytes_max=8 * MIB)
    busy, other = a_lane(memory, store, clock), a_lane(memory, store, clock)
    assert [True] * 6 + [False] == [busy.reserve(MIB) for _ in range(7)]

    for _ in range(6):
        busy.free(MIB)
    assert [True] * 6 + [False] == [other.reserve(MIB) for _ in range(7)]


async def test_a_claim_asks_for_no_more_than_its_lane_may_hold(store: Store, clock: ManualClock) -> None:
    """Its share and what is common, less what others have of it."""
    memory = Memory(bytes_max=8 * MIB)
    busy, other = a_lane(memory, store, clock), a_lane(memory, store, clock)
    for _ in range(3):
        busy.reserve(MIB)
    other.wake()

    assert (32, 5 * MIB) == await other.hunger()


def test_the_share_of_a_lane_that_is_gone_goes_to_the_others() -> None:
    """Targets that come and go with the configuration leave no memory behind."""
    memory = Memory(bytes_max=8 * MIB)
    staying, leaving = memory.share(), memory.share()
    before = staying.free_bytes
    leaving.hold(6 * MIB)
    leaving.drop(6 * MIB)
    leaving.end()

    assert (6 * MIB, 8 * MIB) == (before, staying.free_bytes)
