"""The outbound journey, on a real store: claimed, sent, judged, settled."""

import asyncio
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from relay.domain import Delivery, DeliveryStatus, Event, Outcome
from relay.errors import StoreUnavailable
from relay.lanes import LEASE
from relay.scheduler import Scheduler
from relay.store.protocol import Store
from relay.tenure import SURE_S
from tests.builders import a_lease, a_plan, again, an_event, delivered
from tests.integration.conftest import Bench
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore, Storage

MIB = 1024 * 1024


async def test_a_fresh_event_is_delivered_without_waiting_for_the_clock(bench: Bench) -> None:
    """Fresh events go from the commit straight to the worker, in memory."""
    event = an_event()
    await bench.accept(event)

    await bench.until_status(event.id, DeliveryStatus.DELIVERED)
    assert [(event.id, 1)] == bench.target.sent


async def test_a_failed_delivery_is_tried_again_on_its_schedule_until_it_arrives(bench: Bench) -> None:
    """Time is moved: 10 s after the first failure, 30 s after the second, and not a moment before."""
    bench.target.answers = [Outcome.ERRORED, Outcome.UNREACHABLE]
    event = an_event()
    await bench.accept(event)
    await bench.until_status(event.id, DeliveryStatus.PENDING, attempts=1)

    bench.clock.advance(9.9)
    await asyncio.sleep(0.01)
    assert 1 == len(bench.target.sent)

    bench.clock.advance(0.2)
    await bench.until_status(event.id, DeliveryStatus.PENDING, attempts=2)
    bench.clock.advance(31)
    await bench.until_status(event.id, DeliveryStatus.DELIVERED, attempts=3)
    assert [1, 2, 3] == [attempt for _, attempt in bench.target.sent]


async def test_what_cannot_be_delivered_before_its_deadline_stands_as_dead(bench: Bench) -> None:
    """Promise 2: an accepted event reaches its target or stands as dead, with its reason."""
    bench.target.answers = [Outcome.TIMED_OUT]
    event = an_event()
    await bench.accept(event, a_plan("erp", at=bench.clock.now(), max_age=(bench.clock.now() - bench.clock.now())))

    await bench.until_status(event.id, DeliveryStatus.DEAD)
    (delivery,) = (await bench.story(event.id)).deliveries
    assert "timed_out" == delivery.reason


async def test_a_sender_that_crashes_costs_one_attempt_and_no_other_delivery(bench: Bench) -> None:
    """An event that crashes the sender is parked by its schedule; the rest flows."""
    bench.target.answers = [KeyError("bug")]
    poison, other = an_event(), an_event()
    await bench.accept(poison)
    await bench.until_status(poison.id, DeliveryStatus.PENDING, attempts=1)
    await bench.accept(other)

    await bench.until_status(other.id, DeliveryStatus.DELIVERED)
    (delivery,) = (await bench.story(poison.id)).deliveries
    assert "KeyError" in delivery.reason


async def test_a_result_that_cannot_be_written_down_is_a_lost_attempt(bench: Bench, storage: Storage) -> None:
    """Else it would end the process, and after each start again. It is tried on its schedule; the rest flows."""
    bench.target.answers, bench.target.details = [Outcome.ERRORED], ["unheard-of words"]
    bench.target.open_gate.clear()
    poison, other = await bench.accept(), await bench.accept()
    await storage.refuse_settlement(poison.id, "%unheard-of%")
    bench.target.open_gate.set()
    await bench.until_status(poison.id, DeliveryStatus.PENDING, attempts=1)
    await bench.until_status(other.id, DeliveryStatus.DELIVERED)

    (attempt,) = (await bench.story(poison.id)).deliveries[0].attempts
    assert (1, Outcome.LOST) == (attempt.number, attempt.outcome)
    assert "the store refused" in attempt.detail
    bench.clock.advance(11)
    await bench.until_status(poison.id, DeliveryStatus.DELIVERED, attempts=2)


async def test_a_delivery_that_cannot_be_settled_at_all_keeps_its_lease_and_stops_no_other(
    bench: Bench, storage: Storage
) -> None:
    """Whoever runs after a restart finds it abandoned; until then it costs no place."""
    bench.target.open_gate.clear()
    poison = await bench.accept()
    await storage.refuse_settlement(poison.id)
    others = [await bench.accept() for _ in range(4)]
    bench.target.open_gate.set()

    for other in others:
        await bench.until_status(other.id, DeliveryStatus.DELIVERED)
    await bench.until_status(poison.id, DeliveryStatus.SENDING)
    assert bench.worker.is_well


async def test_a_burst_beyond_the_window_is_delivered_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane holds a window in memory; the rest waits in the store and is claimed as places free up."""
    monkeypatch.setattr("relay.lanes.FRESH_PLACES", 10)
    events = [an_event() for _ in range(100)]
    bench.target.open_gate.clear()
    for event in events:
        await bench.accept(event)
    bench.target.open_gate.set()

    async def all_sent() -> bool:
        return (await bench.store.lanes())["erp"].unfinished == 0

    await bench.until(all_sent)
    assert sorted((event.id, 1) for event in events) == sorted(bench.target.sent)


async def test_no_more_is_sent_at_once_than_the_target_allows(bench: Bench) -> None:
    """Concurrency is the target's, whatever waits."""
    bench.target.open_gate.clear()
    for _ in range(10):
        await bench.accept(an_event())

    async def two_are_sending() -> bool:
        return len(bench.target.sent) == 2

    await bench.until(two_are_sending)
    await asyncio.sleep(0.01)
    assert 2 == len(bench.target.sent)


async def test_what_another_process_planned_is_seen_within_a_poll(bench: Bench) -> None:
    """A delivery that never had a place here is found by the scheduler's next look."""
    event = an_event()
    await bench.until_asleep()
    await bench.store.accept(event, a_plan("erp", at=bench.clock.now()), {})

    bench.clock.advance(1.1)
    await bench.until_status(event.id, DeliveryStatus.DELIVERED)


async def test_a_stop_finishes_what_is_in_flight_and_gives_back_the_rest(bench: Bench) -> None:
    """SIGTERM loses nothing and burns no attempt of what was not begun."""
    bench.target.open_gate.clear()
    events = [an_event() for _ in range(5)]
    for event in events:
        await bench.accept(event)

    async def two_are_sending() -> bool:
        return len(bench.target.sent) == 2

    await bench.until(two_are_sending)
    stopping = asyncio.create_task(bench.worker.stop(5))
    await asyncio.sleep(0.01)
    bench.target.open_gate.set()

    assert 0 == await stopping
    statuses = [(await bench.story(event.id)).deliveries[0].status for event in events]
    assert [DeliveryStatus.DELIVERED] * 2 + [DeliveryStatus.PENDING] * 3 == statuses
    claimed = await bench.store.claim(
        "erp", bench.lanes._lanes["erp"].lease(bench.clock.now()), bench.clock.now(), 10, 10**9
    )
    assert [1, 1, 1] == [delivery.attempt for delivery in claimed]


async def test_a_stop_during_a_claim_gives_back_what_was_claimed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is leased to a process that ends in order does not count as lost."""
    claim, is_claiming, go_on = bench.store.claim, asyncio.Event(), asyncio.Event()

    async def slow_claim(*arguments: Any) -> list[Delivery]:
        claimed = await claim(*arguments)
        is_claiming.set()
        await go_on.wait()
        return claimed

    monkeypatch.setattr(bench.store, "claim", slow_claim)
    event = an_event()
    await bench.store.accept(event, a_plan("erp", at=bench.clock.now()), {})
    bench.lanes.wake(["erp"])
    await is_claiming.wait()

    stopping = asyncio.create_task(bench.worker.stop(1))
    await asyncio.sleep(0.01)
    go_on.set()
    await stopping

    (delivery,) = (await bench.story(event.id)).deliveries
    assert DeliveryStatus.PENDING == delivery.status
    assert [] == bench.target.sent


async def test_a_stop_during_a_claim_that_fails_comes_to_an_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked database must not keep a process alive that was told to stop."""
    asked, fails = asyncio.Event(), asyncio.Event()

    async def claim(*_: Any) -> list[Delivery]:
        asked.set()
        await fails.wait()
        raise StoreUnavailable("locked")

    monkeypatch.setattr(bench.store, "claim", claim)
    bench.lanes.wake(["erp"])
    await asked.wait()
    stopping = asyncio.create_task(bench.worker.stop(1))
    await asyncio.sleep(0)
    fails.set()

    async with asyncio.timeout(WAIT_S_MAX):
        assert 0 == await stopping


@pytest.mark.parametrize("turns", range(8))
async def test_a_scheduler_that_is_just_woken_can_be_stopped(bench: Bench, turns: int) -> None:
    """Whatever it is about when told to stop: a process that does not end is worse than one that was killed."""
    scheduler = Scheduler(bench.store, bench.lanes, [], bench.clock)
    running = asyncio.create_task(scheduler.run())
    await asyncio.sleep(0.01)
    bench.clock.advance(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()

    async with asyncio.timeout(WAIT_S_MAX):
        await asyncio.gather(running, return_exceptions=True)


async def test_a_stop_does_not_wait_beyond_its_grace(bench: Bench) -> None:
    """A target that hangs cannot hold the process; its delivery is found lost and sent again."""
    bench.target.open_gate.clear()
    event = an_event()
    await bench.accept(event)

    async def one_is_sending() -> bool:
        return len(bench.target.sent) == 1

    await bench.until(one_is_sending)
    assert 1 == await bench.worker.stop(0.01)
    (delivery,) = (await bench.story(event.id)).deliveries
    assert DeliveryStatus.SENDING == delivery.status


async def test_a_sender_that_waits_holds_no_body(bench: Bench) -> None:
    """With 32 senders and 50 MB bodies that would be more than a gigabyte for nothing."""
    body = bytes(bytearray(b"a body of its own"))
    event_id = (await bench.accept(an_event(body=body))).id
    await bench.until_status(event_id, DeliveryStatus.DELIVERED)
    await bench.until_sent(1)

    assert 2 == sys.getrefcount(body)  # ours, and the call's


async def test_a_worker_that_stood_still_sends_nothing_that_another_may_have_taken_over(
    bench: Bench, open_store: OpenStore
) -> None:
    """It wakes with what it held when it fell asleep, and asks the store for it anew: that knows whose it is."""
    bench.target.open_gate.clear()
    under_way = [await bench.accept() for _ in range(2)]
    await bench.until_sent(2)
    held = await bench.accept()
    bench.clock.advance(LEASE.total_seconds() + 1)
    other = await open_store("worker-b")
    taken_over = await take_over(other, held, bench.clock.now())
    bench.target.open_gate.set()
    for event in under_way:
        await bench.until_status(event.id, DeliveryStatus.DELIVERED)
    later = await bench.accept()
    await bench.until_status(later.id, DeliveryStatus.DELIVERED, attempts=1)
    await other.settle(delivered(taken_over))

    await bench.until_status(held.id, DeliveryStatus.DELIVERED, attempts=2)
    assert held.id not in [event_id for event_id, _ in bench.target.sent]


async def test_what_may_have_been_taken_over_and_was_not_is_sent_all_the_same(bench: Bench) -> None:
    """A machine that slept, and alone, loses nothing by its doubt: no attempt, and no delivery."""
    bench.target.open_gate.clear()
    events = [await bench.accept() for _ in range(2)]
    await bench.until_sent(2)
    events += [await bench.accept() for _ in range(2)]
    bench.clock.advance(SURE_S)
    bench.target.open_gate.set()

    for event in events:
        await bench.until_status(event.id, DeliveryStatus.DELIVERED, attempts=1)
    assert 4 == len(bench.target.sent)


async def test_a_worker_whose_leases_are_prolonged_sends_what_it_holds(bench: Bench) -> None:
    """A target that is slow costs no way to the store and back, however long it takes."""
    lapses_before = bench.tenure.lapses
    for _ in range(4):
        bench.clock.advance(SURE_S - 1)
        bench.tenure.prolonged(bench.clock.monotonic())

    assert lapses_before == bench.tenure.lapses


async def take_over(store: Store, event: Event, now: datetime) -> Delivery:
    """Settle an event's delivery as another process does once its lease has run out, and claim it."""
    left = await store.abandoned(now, 100, MIB)
    (held,) = [delivery for delivery in left if delivery.event.id == event.id]
    soon = now + timedelta(seconds=1)
    assert await store.settle(again(held, soon))
    (claimed,) = await store.claim("erp", a_lease("worker-b", at=soon), soon, 1, MIB)
    return claimed
