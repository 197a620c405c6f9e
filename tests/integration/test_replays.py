"""Replays of many events, with time moved by hand."""

from datetime import timedelta

import pytest

from relay.domain import DeliveryStatus
from relay.lanes import Lanes
from relay.replays import Replaying, new_replay
from relay.store.ports.replays import Replay, ReplayState
from relay.store.ports.search import EventFilter
from relay.store.protocol import Store
from tests.builders import a_lease, a_plan, an_event, dead
from tests.conftest import START, ManualClock
from tests.storage import OpenStore

KEEP = timedelta(days=30)


@pytest.fixture
def replaying(store: Store, clock: ManualClock) -> Replaying:
    clock.advance(1)
    return Replaying(store, Lanes([]), clock, KEEP)


async def died(store: Store, count: int) -> list[str]:
    ids = []
    for _ in range(count):
        event = an_event()
        receipt = await store.accept(event, a_plan("erp"), {0: a_lease()})
        await store.settle(dead(receipt.deliveries[0]))
        ids.append(event.id)
    return ids


async def job(store: Store, clock: ManualClock, *, per_s: int = 10, wanted: EventFilter | None = None) -> Replay:
    begun = new_replay(wanted or EventFilter(), clock.now(), b"0123456789", only_dead=False, per_s=per_s)
    await store.replays.begin(begun)
    return begun


async def stands(store: Store, begun: Replay) -> Replay:
    found = await store.replays.one(begun.id)
    assert found is not None
    return found


async def test_a_replay_keeps_its_pace(store: Store, clock: ManualClock, replaying: Replaying) -> None:
    """A target that was just mended is not run over: so many a second, and not one more."""
    await died(store, 5)
    begun = await job(store, clock, per_s=2)

    counts = []
    for _ in range(3):
        await replaying.step()
        await replaying.step()
        counts.append((await stands(store, begun)).replayed)
        clock.advance(1)

    assert [2, 4, 5] == counts
    assert ReplayState.DONE is (await stands(store, begun)).state


async def test_a_replay_goes_on_after_a_restart(open_store: OpenStore, clock: ManualClock) -> None:
    """Where it stood, whichever process is next."""
    store = await open_store("worker-a")
    await died(store, 3)
    clock.advance(1)
    begun = await job(store, clock, per_s=2)
    await Replaying(store, Lanes([]), clock, KEEP).step()
    await store.close()

    store = await open_store("worker-b")
    clock.advance(1)
    await Replaying(store, Lanes([]), clock, KEEP).step()

    done = await stands(store, begun)
    assert (ReplayState.DONE, 3, 3) == (done.state, done.searched, done.replayed)


async def test_what_came_after_a_replay_began_is_not_replayed(
    store: Store, clock: ManualClock, replaying: Replaying
) -> None:
    """Else one that is as slow as its source would never end."""
    await died(store, 1)
    begun = await job(store, clock)
    later = an_event(at=clock.now())
    receipt = await store.accept(later, a_plan("erp"), {0: a_lease()})
    await store.settle(dead(receipt.deliveries[0]))

    await replaying.step()

    assert 1 == (await stands(store, begun)).replayed
    record = await store.event(later.id)
    assert record is not None
    assert DeliveryStatus.DEAD is record.deliveries[0].status


async def test_only_what_fits_is_replayed(store: Store, clock: ManualClock, replaying: Replaying) -> None:
    """The filter of a replay is that of the list."""
    (chosen, *_) = await died(store, 3)
    begun = await job(store, clock, wanted=EventFilter(text=chosen))

    await replaying.step()

    done = await stands(store, begun)
    assert (ReplayState.DONE, 3, 1) == (done.state, done.searched, done.replayed)
    (claimed,) = await store.claim("erp", a_lease(), clock.now(), 5, 10**9)
    assert (chosen, True) == (claimed.event.id, claimed.is_replayed)


async def test_a_replay_that_ended_long_ago_is_forgotten(
    store: Store, clock: ManualClock, replaying: Replaying
) -> None:
    """As long as history is kept, one can see who replayed what."""
    begun = await job(store, clock)
    await replaying.step()
    await replaying.forget()
    assert await store.replays.one(begun.id) is not None

    clock.advance((KEEP + timedelta(seconds=1)).total_seconds())
    await replaying.forget()
    assert await store.replays.one(begun.id) is None
    assert begun.created_at > START
