"""What is done again and again, on a real store with time moved by hand."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from relay.domain import DeliveryStatus, GateState, Outcome, RetryPolicy, Target
from relay.gate import Gate
from relay.headroom import Headroom
from relay.maintenance import Maintenance
from relay.store.protocol import LaneState, Settlement, Store
from relay.tenure import Tenure
from tests.builders import a_lease, a_plan, an_event, delivered
from tests.conftest import ManualClock
from tests.integration.journal import Journal
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore, Storage

KEEP = timedelta(days=30)
ONE_DAY_MORE = timedelta(days=1)  # where days are dropped whole


def a_maintenance(store: Store, clock: ManualClock, journal: Journal, headroom: Headroom | None = None) -> Maintenance:
    targets = {"erp": Target("erp", retry=RetryPolicy(base_s=10, jitter=0))}
    return Maintenance(
        store, targets, {}, headroom or Headroom(10, 0), KEEP, clock, journal, lambda: 0.0, Tenure(clock)
    )


async def test_what_a_dead_worker_held_is_tried_again_and_counted_as_lost(
    store: Store, clock: ManualClock, open_store: OpenStore
) -> None:
    """Promise 2: whatever process dies when. The attempt counts, so a poison event cannot loop for ever."""
    dying = await open_store("worker-b")
    event = an_event()
    await dying.accept(event, a_plan("erp"), {0: a_lease("worker-b")})
    await dying.close()
    journal = Journal()

    await a_maintenance(store, clock, journal).reclaim()

    record = await store.event(event.id)
    assert record is not None
    (delivery,) = record.deliveries
    assert DeliveryStatus.PENDING == delivery.status
    assert clock.now() + timedelta(seconds=10) == delivery.due_at
    assert [(1, Outcome.LOST)] == [(attempt.number, attempt.outcome) for attempt in delivery.attempts]
    assert [(event.id, 1, Outcome.LOST, DeliveryStatus.PENDING)] == journal.attempts


async def test_a_delivery_lost_past_its_deadline_stands_as_dead(
    store: Store, clock: ManualClock, open_store: OpenStore
) -> None:
    """An event that kills its worker each time ends at its deadline like any other."""
    dying = await open_store("worker-b")
    event = an_event()
    await dying.accept(event, a_plan("erp", max_age=timedelta(seconds=5)), {0: a_lease("worker-b")})
    await dying.close()

    await a_maintenance(store, clock, Journal()).reclaim()

    record = await store.event(event.id)
    assert record is not None
    assert DeliveryStatus.DEAD == record.deliveries[0].status


async def test_a_lost_delivery_that_cannot_be_settled_stops_no_other_and_is_told_once(
    store: Store, clock: ManualClock, storage: Storage, open_store: OpenStore, told: list[MutableMapping[str, Any]]
) -> None:
    """It is found again and again; that must not become a loop, and the others are tried again."""
    dying = await open_store("worker-b")
    events = [an_event() for _ in range(3)]
    for event in events:
        await dying.accept(event, a_plan("erp"), {0: a_lease("worker-b")})
    await dying.close()
    await storage.refuse_settlement(events[0].id)
    journal = Journal()
    maintenance = a_maintenance(store, clock, journal)

    async with asyncio.timeout(WAIT_S_MAX):
        await maintenance.reclaim()
        await maintenance.reclaim()

    assert {event.id for event in events[1:]} == {event_id for event_id, *_ in journal.attempts}
    assert [events[0].id] == [line["event_id"] for line in told if line["event"] == "delivery_stuck"]


async def test_a_reload_while_it_is_seen_how_much_waits_stops_nothing(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that has come meanwhile is looked at the next time, and one that has gone no more."""
    targets = {name: Target(name) for name in ("erp", "chat", "folder")}
    gates = {name: Gate(target, store, clock, Journal()) for name, target in targets.items()}
    before, after = ({name: gates[name] for name in names} for names in (("erp", "folder"), ("chat", "folder")))
    maintenance, lanes = a_maintenance(store, clock, Journal()), store.lanes
    maintenance.adopt(targets, before, KEEP)
    for name in targets:
        await store.pause(name, clock.now(), is_paused=True)

    async def reloaded_meanwhile() -> Mapping[str, LaneState]:
        maintenance.adopt(targets, after, KEEP)
        return await lanes()

    monkeypatch.setattr(store, "lanes", reloaded_meanwhile)
    await maintenance.see_room()
    assert {"folder"} == {name for name, gate in gates.items() if gate.state is GateState.PAUSED}

    await maintenance.see_room()
    assert {"folder", "chat"} == {name for name, gate in gates.items() if gate.state is GateState.PAUSED}


async def test_what_a_dead_worker_held_is_settled_together(
    store: Store, clock: ManualClock, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker holds thousands: a commit for each, one after the other, would take a slow disk minutes."""
    dying = await open_store("worker-b")
    for _ in range(20):
        await dying.accept(an_event(), a_plan("erp"), {0: a_lease("worker-b")})
    await dying.close()
    settle, together = store.settle, asyncio.Barrier(20)

    async def once_all_are_there(settlement: Settlement) -> bool:
        await together.wait()
        return await settle(settlement)

    monkeypatch.setattr(store, "settle", once_all_are_there)
    journal = Journal()
    async with asyncio.timeout(WAIT_S_MAX):
        await a_maintenance(store, clock, journal).reclaim()

    assert 20 == len(journal.attempts)


async def test_old_finished_events_go_and_young_ones_stay(store: Store, clock: ManualClock) -> None:
    """`storage.keep` is enforced, in steps."""
    old = an_event()
    receipt = await store.accept(old, a_plan("erp"), {0: a_lease()})
    await store.settle(delivered(receipt.deliveries[0]))
    clock.advance((KEEP + ONE_DAY_MORE).total_seconds())
    young = an_event(at=clock.now())
    receipt = await store.accept(young, a_plan("erp"), {0: a_lease()})
    await store.settle(delivered(receipt.deliveries[0]))

    purging = a_maintenance(store, clock, Journal()).purge()
    await _run_through(purging, clock)

    assert None is await store.event(old.id)
    assert None is not await store.event(young.id)


async def test_it_sees_how_much_waits(store: Store, clock: ManualClock) -> None:
    """The bound on the backlog is on what is really there."""
    headroom = Headroom(backlog_max=2, disk_free_min=0)
    maintenance = a_maintenance(store, clock, Journal(), headroom)
    await store.accept(an_event(), a_plan("erp", "chat"), {})
    assert None is headroom.shortage

    await maintenance.see_room()
    assert "2 deliveries wait, and storage.backlog_max is 2" == headroom.shortage


async def test_deliveries_for_a_target_that_is_gone_are_told_once(
    store: Store, clock: ManualClock, told: list[MutableMapping[str, Any]]
) -> None:
    """They are kept, and somebody must know that they wait."""
    await store.accept(an_event(), a_plan("removed"), {})
    maintenance = a_maintenance(store, clock, Journal())

    await maintenance.see_room()
    await maintenance.see_room()

    (line,) = [entry for entry in told if entry["event"] == "target_not_configured"]
    assert ("removed", 1) == (line["target"], line["unfinished"])


@pytest.fixture
def told() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as entries:
        yield entries


async def _run_through(work: Coroutine[None, None, None], clock: ManualClock) -> None:
    """Run something that sleeps now and then, moving the clock for it."""
    task = asyncio.create_task(work)
    while not task.done():
        clock.advance(1)
        await asyncio.sleep(0.001)
