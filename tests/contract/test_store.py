"""The store contract: what every store promises. A store is never faked; it is run on a temporary folder."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import Delivery, DeliveryStatus, Outcome, Plan
from relay.errors import StoreRefused, StoreUnavailable
from relay.store.protocol import Settlement, Store
from tests.builders import a_lease, a_plan, again, an_attempt, an_event, dead, delivered
from tests.conftest import START
from tests.storage import OpenStore, Storage

SECOND = timedelta(seconds=1)
MANY = 10**9
MIB = 1024 * 1024
WOKEN_S_MAX = 10.0  # a test that waits in vain fails by it


async def claim_one(
    store: Store, target: str = "erp", *, worker: str = "worker-a", after: timedelta = SECOND
) -> Delivery:
    (delivery,) = await store.claim(target, a_lease(worker), START + after, 1, MANY)
    return delivery


async def statuses(store: Store, event_id: str) -> list[DeliveryStatus]:
    record = await store.event(event_id)
    assert record is not None
    return [delivery.status for delivery in record.deliveries]


class TestAccept:
    async def test_what_is_accepted_is_there_after_a_restart(self, open_store: OpenStore) -> None:
        """Promise 1: a receipt means that the event, byte for byte, and its deliveries are on disk."""
        store = await open_store("worker-a")
        event = an_event(body=b"\x00\xff not text \r\n")
        await store.accept(event, a_plan("erp", "chat"), {})
        await store.close()

        record = await (await open_store("worker-b")).event(event.id)

        assert record is not None
        assert event == record.event
        assert ["erp", "chat"] == [delivery.target for delivery in record.deliveries]

    async def test_a_batch_is_stored_as_its_events_would_be(self, store: Store) -> None:
        """In their order: new ones, one that was there, and one that stands in it twice; leased ones come back."""
        first = await store.accept(an_event(key="one"), a_plan(), {})
        events = [an_event(key=key) for key in ("two", "one", "three", "two")]

        receipts = await store.accept_all([(event, a_plan("erp"), {0: a_lease()}) for event in events])

        ids = [receipt.event_id for receipt in receipts]
        assert [events[0].id, first.event_id, events[2].id, events[0].id] == ids
        assert [False, True, False, True] == [receipt.is_duplicate for receipt in receipts]
        assert [["erp"], [], ["erp"], []] == [[each.target for each in receipt.deliveries] for receipt in receipts]
        for receipt in receipts[::2]:
            assert await store.event(receipt.event_id) is not None

    async def test_a_batch_is_stored_whole_or_not_at_all(self, store: Store) -> None:
        """One that the database refuses takes all others with it, and no other caller's events."""
        bad = an_event()
        await store.accept(bad, a_plan(), {})
        good, bad = an_event(key="good"), replace(bad, key=b"another")
        other = an_event(key="other")

        batch = store.accept_all([(good, a_plan(), {}), (bad, a_plan(), {})])
        results = await asyncio.gather(batch, store.accept(other, a_plan(), {}), return_exceptions=True)

        assert isinstance(results[0], StoreRefused)
        assert await store.event(good.id) is None
        assert await store.event(other.id) is not None

    async def test_a_redelivered_event_is_acknowledged_but_not_stored_twice(self, store: Store) -> None:
        """Promise 3: senders repeat themselves when our 2xx is lost; the second copy must cost nothing downstream."""
        first = await store.accept(an_event(key="one"), a_plan(), {})
        again_ = await store.accept(an_event(key="one"), a_plan(), {})

        assert not first.is_duplicate
        assert again_.is_duplicate
        assert first.event_id == again_.event_id
        assert 1 == (await store.lanes())["erp"].unfinished

    async def test_the_same_event_sent_many_times_at_once_is_one(self, store: Store) -> None:
        """Group commit must find duplicates within a group, not only among what is stored."""
        receipts = await asyncio.gather(*(store.accept(an_event(key="one"), a_plan(), {}) for _ in range(50)))

        assert 1 == len({receipt.event_id for receipt in receipts})
        assert 1 == sum(not receipt.is_duplicate for receipt in receipts)
        assert 1 == (await store.lanes())["erp"].unfinished

    async def test_a_large_group_is_stored_whole(self, store: Store) -> None:
        """However a group is cut into statements, each caller gets its own receipt."""
        events = [an_event() for _ in range(333)]
        receipts = await asyncio.gather(*(store.accept(event, a_plan("erp", "chat"), {}) for event in events))

        assert [event.id for event in events] == [receipt.event_id for receipt in receipts]
        assert 333 == (await store.lanes())["chat"].unfinished

    async def test_a_repeat_after_its_window_is_another_event(self, store: Store) -> None:
        """A disconnect notice next month is news."""
        first = await store.accept(an_event(key="one", window=10 * SECOND), a_plan(), {})
        within = await store.accept(an_event(key="one", window=10 * SECOND, at=START + 9 * SECOND), a_plan(), {})
        after = await store.accept(an_event(key="one", window=10 * SECOND, at=START + 10 * SECOND), a_plan(), {})

        assert first.event_id == within.event_id
        assert not after.is_duplicate

    async def test_a_window_without_end_never_closes(self, store: Store) -> None:
        """An invoice that is collected again years later is still the same invoice."""
        await store.accept(an_event(key="one", window=None), a_plan(), {})
        later = await store.accept(an_event(key="one", at=START + timedelta(days=4000)), a_plan(), {})

        assert later.is_duplicate

    async def test_equal_keys_of_two_sources_are_two_events(self, store: Store) -> None:
        """Keys are per source: no sender can burn another's."""
        await store.accept(an_event(key="one", source="a"), a_plan(), {})
        other = await store.accept(an_event(key="one", source="b"), a_plan(), {})

        assert not other.is_duplicate

    async def test_a_duplicate_revives_what_died(self, store: Store) -> None:
        """Promise 3: the person who clicked "Redeliver" expects something to happen."""
        event = an_event(key="one")
        await store.accept(event, a_plan("erp", "chat"), {})
        await store.settle(dead(await claim_one(store)))
        await store.settle(delivered(await claim_one(store, "chat")))

        await store.accept(an_event(key="one", at=START + timedelta(days=5)), a_plan(), {})

        revived = await claim_one(store, after=timedelta(days=5))
        assert [DeliveryStatus.SENDING, DeliveryStatus.DELIVERED] == await statuses(store, event.id)
        assert 2 == revived.attempt
        assert 1 == revived.attempts_made
        assert START + timedelta(days=8) == revived.deadline_at
        assert (1, 0) == ((await store.lanes())["erp"].unfinished, (await store.lanes())["erp"].dead)

    async def test_leased_deliveries_are_born_sending_and_come_back_ready(self, store: Store) -> None:
        """Fresh events go from accept to the worker in memory: nobody else may claim them meanwhile."""
        receipt = await store.accept(an_event(), a_plan("erp", "chat"), {1: a_lease()})

        assert [("chat", 1)] == [(delivery.target, delivery.attempt) for delivery in receipt.deliveries]
        assert [] == await store.claim("chat", a_lease(), START + SECOND, 10, MANY)
        assert await store.settle(delivered(receipt.deliveries[0]))

    async def test_an_event_that_no_route_wants_is_kept(self, store: Store) -> None:
        """Accepted means never lost, even where the routes do not match yet."""
        event = an_event()
        await store.accept(event, Plan((), ()), {})

        assert [] == await statuses(store, event.id)

    @pytest.mark.parametrize("size", [64 * 1024 + 1, MIB, MIB + 1, 3 * MIB + 7])
    async def test_a_large_body_is_kept_byte_for_byte_beside_small_ones(self, store: Store, size: int) -> None:
        """However it travels and is written: what comes out is what came in."""
        bodies = [b"{}", random.Random(size).randbytes(size), b"", random.Random(0).randbytes(size)]
        events = [an_event(body=body) for body in bodies]
        await asyncio.gather(*[store.accept(event, a_plan(), {}) for event in events])

        claimed = await store.claim("erp", a_lease(), START, 9, MANY)

        assert bodies == [delivery.event.body for delivery in claimed]
        assert {bytes} == {type(delivery.event.body) for delivery in claimed}

    async def test_headers_that_are_no_text_are_kept(self, store: Store) -> None:
        """A stray byte in a header is the sender's affair, never a reason to lose the event."""
        event = replace(an_event(), headers=(("X-Odd", "caf\udce9"),))
        await store.accept(event, a_plan(), {})

        record = await store.event(event.id)
        assert record is not None
        assert "X-Odd" == record.event.headers[0][0]


class TestClaim:
    async def test_only_what_is_due_is_claimed_the_longest_due_first(self, store: Store) -> None:
        """A retry waits for its time."""
        late, soon = an_event(), an_event()
        await store.accept(late, a_plan(at=START + 5 * SECOND), {})
        await store.accept(soon, a_plan(), {})

        claimed = await store.claim("erp", a_lease(), START + SECOND, 10, MANY)
        later = await store.claim("erp", a_lease(), START + 5 * SECOND, 10, MANY)

        assert [soon.id] == [delivery.event.id for delivery in claimed]
        assert [late.id] == [delivery.event.id for delivery in later]

    async def test_two_workers_never_hold_the_same_delivery(self, open_store: OpenStore) -> None:
        """Several processes on one database are safe."""
        ours, theirs = await open_store("worker-a"), await open_store("worker-b")
        await asyncio.gather(*(ours.accept(an_event(), a_plan(), {}) for _ in range(40)))

        claims = await asyncio.gather(
            *(
                store.claim("erp", a_lease(worker), START + SECOND, 5, MANY)
                for _ in range(4)
                for store, worker in ((ours, "worker-a"), (theirs, "worker-b"))
            )
        )

        ids = [delivery.id for claimed in claims for delivery in claimed]
        assert 40 == len(ids) == len(set(ids))

    async def test_claims_are_bounded_by_the_size_of_bodies(self, store: Store) -> None:
        """A lane takes memory for its window only: big documents come a few at a time, but always one."""
        for _ in range(3):
            await store.accept(an_event(body=b"x" * 1000), a_plan(), {})

        assert 2 == len(await store.claim("erp", a_lease(), START + SECOND, 10, 2000))
        assert 1 == len(await store.claim("erp", a_lease(), START + SECOND, 10, 1))

    async def test_next_due_tells_each_lane_its_time(self, store: Store) -> None:
        """Waiting lanes sleep until then, not a moment of polling more than needed."""
        await store.accept(an_event(), a_plan("erp", at=START + 5 * SECOND), {})
        await store.accept(an_event(), a_plan("erp", at=START + 3 * SECOND), {})

        assert {"erp": START + 3 * SECOND} == await store.next_due(["erp", "chat"])

    async def test_a_released_delivery_has_lost_no_attempt(self, store: Store) -> None:
        """A stop that comes before the first byte is sent is no attempt."""
        await store.accept(an_event(), a_plan(), {})
        await store.release([await claim_one(store)])

        assert 1 == (await claim_one(store)).attempt


class TestSettle:
    async def test_a_delivered_one_is_final_and_its_attempt_is_told(self, store: Store) -> None:
        """The operator asks at night: did it arrive?"""
        event = an_event()
        await store.accept(event, a_plan(), {})
        delivery = await claim_one(store)

        assert await store.settle(delivered(delivery))

        record = await store.event(event.id)
        assert record is not None
        (told,) = record.deliveries
        assert DeliveryStatus.DELIVERED == told.status
        assert (an_attempt(delivery),) == told.attempts
        assert START + timedelta(seconds=0.25) == told.finished_at
        assert 0 == (await store.lanes())["erp"].unfinished

    async def test_a_retry_is_pending_until_its_time(self, store: Store) -> None:
        """ "Retrying" is no state: it is pending with attempts made."""
        await store.accept(an_event(), a_plan(), {})
        await store.settle(again(await claim_one(store), START + 9 * SECOND))

        assert [] == await store.claim("erp", a_lease(), START + 8 * SECOND, 10, MANY)
        assert 2 == (await claim_one(store, after=9 * SECOND)).attempt

    async def test_a_settlement_after_the_lease_was_lost_changes_nothing_but_is_recorded(self, store: Store) -> None:
        """Promise 2: settle holds only while the lease does; the attempt is always recorded."""
        event = an_event()
        await store.accept(event, a_plan(), {})
        stalled = await claim_one(store)
        lost = Settlement(stalled, an_attempt(stalled, Outcome.LOST), DeliveryStatus.PENDING, START)
        await store.settle(lost)
        await claim_one(store, worker="worker-b")

        assert not await store.settle(delivered(stalled))

        record = await store.event(event.id)
        assert record is not None
        assert DeliveryStatus.SENDING == record.deliveries[0].status
        assert [Outcome.ACCEPTED] == [attempt.outcome for attempt in record.deliveries[0].attempts]

    async def test_who_was_taken_for_lost_is_believed_whenever_it_tells(self, store: Store) -> None:
        """The record says what really happened, whichever settlement came first."""
        event = an_event()
        await store.accept(event, a_plan(), {})
        delivery = await claim_one(store)
        await store.settle(delivered(delivery))

        assert not await store.settle(Settlement(delivery, an_attempt(delivery, Outcome.LOST), DeliveryStatus.DEAD))

        record = await store.event(event.id)
        assert record is not None
        assert [Outcome.ACCEPTED] == [attempt.outcome for attempt in record.deliveries[0].attempts]

    async def test_two_settlements_of_one_delivery_in_one_group_are_told_apart(self, store: Store) -> None:
        """A stale one and a current one may meet in a commit: one is applied, and the numbers stay true."""
        event = an_event()
        await store.accept(event, a_plan(), {})
        stale = await claim_one(store)
        await store.settle(Settlement(stale, an_attempt(stale, Outcome.LOST), DeliveryStatus.PENDING, START))
        current = await claim_one(store)

        held = await asyncio.gather(
            store.settle(delivered(stale)), store.settle(again(current, START)), store.settle(delivered(current))
        )

        assert (False, True, False) == tuple(held)
        assert [DeliveryStatus.PENDING] == await statuses(store, event.id)
        assert 1 == (await store.lanes())["erp"].unfinished

    async def test_an_attempt_that_cannot_be_recorded_does_not_undo_its_result(self, store: Store) -> None:
        """Promise 4: keeping records never decides delivery."""
        event = an_event()
        await store.accept(event, a_plan(), {})
        delivery = await claim_one(store)
        impossible = replace(an_attempt(delivery), number=0)

        assert await store.settle(Settlement(delivery, impossible, DeliveryStatus.DELIVERED))
        assert [DeliveryStatus.DELIVERED] == await statuses(store, event.id)

    async def test_a_settled_group_answers_each_caller(self, store: Store) -> None:
        """Held and lost leases in one group are told apart."""
        await asyncio.gather(*(store.accept(an_event(), a_plan(), {}) for _ in range(9)))
        claimed = await store.claim("erp", a_lease(), START + SECOND, 9, MANY)
        await store.release(claimed[::2])

        held = await asyncio.gather(*(store.settle(delivered(delivery)) for delivery in claimed))

        assert [False, True, False, True, False, True, False, True, False] == held


class TestAbandoned:
    async def test_the_leases_of_a_dead_worker_are_found_at_once(self, open_store: OpenStore) -> None:
        """After kill -9 nothing waits for a lease to run out."""
        dying, heir = await open_store("worker-a"), await open_store("worker-b")
        receipt = await dying.accept(an_event(), a_plan(), {0: a_lease("worker-a", lasting_s=3600)})
        assert [] == await heir.abandoned(START, 10, MANY)

        await dying.close()

        assert [receipt.deliveries[0].id] == [delivery.id for delivery in await heir.abandoned(START, 10, MANY)]

    async def test_a_living_worker_that_overran_its_lease_is_found(self, open_store: OpenStore) -> None:
        """A process that hangs must not hold events for ever."""
        hung, heir = await open_store("worker-a"), await open_store("worker-b")
        await hung.accept(an_event(), a_plan(), {0: a_lease("worker-a", lasting_s=60)})

        assert [] == await heir.abandoned(START + 59 * SECOND, 10, MANY)
        assert 1 == len(await heir.abandoned(START + 60 * SECOND, 10, MANY))

    async def test_what_somebody_else_took_over_is_left_alone(self, open_store: OpenStore) -> None:
        """Two heirs of a dead worker: what one has claimed anew, the other must not settle as lost."""
        dying, heir, other = await open_store("worker-a"), await open_store("worker-b"), await open_store("worker-c")
        await dying.accept(an_event(), a_plan(), {0: a_lease("worker-a")})
        await dying.close()
        (found,) = await heir.abandoned(START, 10, MANY)
        await other.settle(Settlement(found, an_attempt(found, Outcome.LOST), DeliveryStatus.PENDING, START))
        (taken,) = await other.claim("erp", a_lease("worker-c"), START + SECOND, 1, MANY)

        lost = Settlement(found, an_attempt(found, Outcome.LOST), DeliveryStatus.PENDING, START)
        assert not await heir.settle(lost)
        assert [] == await heir.abandoned(START, 10, MANY)
        assert await other.settle(delivered(taken))

    async def test_a_living_worker_keeps_what_it_renews(self, open_store: OpenStore) -> None:
        """A delivery may wait its turn for longer than a lease, as long as its process turns."""
        living, other = await open_store("worker-a"), await open_store("worker-b")
        await living.accept(an_event(), a_plan(), {0: a_lease("worker-a", lasting_s=60)})
        await living.renew(START + 120 * SECOND)

        assert [] == await other.abandoned(START + 119 * SECOND, 10, MANY)
        assert 1 == len(await other.abandoned(START + 120 * SECOND, 10, MANY))

    async def test_a_worker_never_takes_its_own_for_abandoned(self, store: Store) -> None:
        """A clock that jumps ahead must not send everything in flight twice."""
        await store.accept(an_event(), a_plan(), {0: a_lease("worker-a")})

        assert [] == await store.abandoned(START + timedelta(days=1), 10, MANY)


class TestWaking:
    """One process stores what another is to carry: that one is woken, and need not ask again and again."""

    async def test_what_another_stores_for_others_wakes(self, open_store: OpenStore) -> None:
        """A receiver leases nothing to itself; whoever delivers hears of it at once."""
        receiver, deliverer = await open_store("worker-a"), await open_store("worker-b")
        waiting = asyncio.create_task(deliverer.woken())
        await asyncio.sleep(0)

        await receiver.accept(an_event(), a_plan(), {})

        await asyncio.wait_for(waiting, WOKEN_S_MAX)
        assert 1 == len(await deliverer.claim("erp", a_lease("worker-b"), START + SECOND, 10, MANY))

    async def test_what_is_stored_while_nobody_waits_is_heard_by_the_next_to_wait(self, open_store: OpenStore) -> None:
        """Between two looks something may come: it must not wait for the one after."""
        receiver, deliverer = await open_store("worker-a"), await open_store("worker-b")
        early = asyncio.create_task(deliverer.woken())
        await asyncio.sleep(0)
        early.cancel()

        await receiver.accept(an_event(), a_plan(), {})

        await asyncio.wait_for(deliverer.woken(), WOKEN_S_MAX)

    async def test_a_replay_a_repeat_and_what_is_given_back_wake_too(self, open_store: OpenStore) -> None:
        """Each makes something due that the one who did it may not carry."""
        other, deliverer = await open_store("worker-a"), await open_store("worker-b")
        event = an_event(key="one")
        (delivery,) = (await other.accept(event, a_plan(), {0: a_lease()})).deliveries

        for change in (
            other.release([delivery]),
            other.accept(an_event(key="one"), a_plan(), {}),
            other.replay(event.id, START),
        ):
            waiting = asyncio.create_task(deliverer.woken())
            await asyncio.sleep(0)
            await change
            await asyncio.wait_for(waiting, WOKEN_S_MAX)

    async def test_who_waits_is_told_of_while_it_lives(self, open_store: OpenStore) -> None:
        """A receiver says whether anybody carries what it takes."""
        receiver, deliverer = await open_store("worker-a"), await open_store("worker-b")
        assert 0 == await receiver.listeners()
        waiting = asyncio.create_task(deliverer.woken())

        async with asyncio.timeout(WOKEN_S_MAX):
            while await receiver.listeners() != 1:
                await asyncio.sleep(0.01)
            assert 0 == await deliverer.listeners()
            waiting.cancel()
            await deliverer.close()
            while await receiver.listeners() != 0:
                await asyncio.sleep(0.01)


class TestReplay:
    async def test_a_replay_sends_again_whatever_became_of_it(self, store: Store) -> None:
        """Promise 7: a human's replay always goes out."""
        event = an_event()
        await store.accept(event, a_plan("erp", "chat"), {})
        await store.settle(delivered(await claim_one(store)))
        await store.settle(dead(await claim_one(store, "chat")))

        assert 2 == await store.replay(event.id, START + SECOND)
        assert [DeliveryStatus.PENDING] * 2 == await statuses(store, event.id)
        assert 0 == await store.replay("evt_unknown", START)


class TestPurge:
    async def test_only_what_is_finished_and_old_is_dropped(self, store: Store) -> None:
        """Retention never touches what is still to be delivered."""
        finished, unfinished, young = an_event(), an_event(), an_event(at=START + timedelta(days=40))
        for event in (finished, unfinished, young):
            await store.accept(event, a_plan("erp"), {})
        await store.settle(delivered(await claim_one(store)))

        assert await store.purge(START + timedelta(days=30), START, 100, MANY)
        assert not await store.purge(START + timedelta(days=30), START, 100, MANY)
        assert None is await store.event(finished.id)
        assert await store.event(unfinished.id)
        assert await store.event(young.id)

    async def test_a_key_lives_for_its_own_window(self, store: Store) -> None:
        """The event may be gone from the history; its repeat is still a duplicate."""
        event = an_event(key="one", window=timedelta(days=60))
        await store.accept(event, a_plan(), {})
        await store.settle(dead(await claim_one(store)))
        await store.purge(START + timedelta(days=30), START + timedelta(days=30), 100, MANY)

        repeat = await store.accept(an_event(key="one", at=START + timedelta(days=59)), a_plan(), {})
        assert event.id == repeat.event_id
        assert (0, 0) == ((await store.lanes())["erp"].unfinished, (await store.lanes())["erp"].dead)

        assert await store.purge(START, START + timedelta(days=60), 100, MANY)
        assert not (await store.accept(an_event(key="one"), a_plan(), {})).is_duplicate

    async def test_a_step_is_bounded_by_the_size_of_bodies(self, store: Store) -> None:
        """Dropping large documents must not hold up those who wait for a commit."""
        for _ in range(3):
            await store.accept(an_event(body=b"x" * 1000), Plan((), ()), {})

        assert await store.purge(START + SECOND, START, 100, 2000)
        assert await store.purge(START + SECOND, START, 100, 2000)
        assert not await store.purge(START + SECOND, START, 100, 2000)

    async def test_space_goes_back_to_the_disk(self, store: Store, storage: Storage) -> None:
        """A disk that our own data filled is free again once they are dropped."""
        for _ in range(4):
            await store.accept(an_event(body=b"x" * 10_000_000), Plan((), ()), {})
        while await store.purge(START + timedelta(days=30), START + timedelta(days=60), 100, MANY):
            pass
        await store.close()

        assert await storage.bytes_used() < 20_000_000


class TestUnavailable:
    async def test_a_locked_database_refuses_then_recovers_by_itself(
        self, open_store: OpenStore, storage: Storage
    ) -> None:
        """Promise 1: if it can't be committed, it is not acknowledged; nothing is half there, no hand is needed."""
        store = await open_store("worker-a", patience_s=0.05)
        event = an_event(key="one")

        async with storage.blocked():
            with pytest.raises(StoreUnavailable):
                await store.accept(event, a_plan(), {})
            with pytest.raises(StoreUnavailable):
                await store.probe(START)

        assert None is await store.event(event.id)
        assert not (await store.accept(event, a_plan(), {})).is_duplicate
        await store.probe(START)

    async def test_one_impossible_event_does_not_spoil_its_group(self, store: Store) -> None:
        """Events of one group share a commit, not a fate."""
        good, bad = an_event(), an_event()
        await store.accept(bad, a_plan(), {})

        accepting = asyncio.create_task(store.accept(good, a_plan(), {}))
        with pytest.raises(StoreRefused, match="refuses this change"):
            await store.accept(replace(bad, key=b"other"), a_plan(), {})

        assert good.id == (await accepting).event_id

    async def test_those_who_came_during_a_failure_do_not_wait_for_another(
        self, open_store: OpenStore, storage: Storage
    ) -> None:
        """A sender's patience is short: it hears 503 once the database was found locked, not one wait later."""
        store = await open_store("worker-a", patience_s=0.05)
        async with storage.blocked():
            first = asyncio.create_task(store.accept(an_event(), a_plan(), {}))
            await asyncio.sleep(0.01)

            with pytest.raises(StoreUnavailable):
                await store.accept(an_event(), a_plan(), {})

            assert first.done()
            with pytest.raises(StoreUnavailable):
                await first


class TestTally:
    @pytest.mark.parametrize("seed", range(8))
    async def test_lanes_always_tell_what_counting_would(self, store: Store, storage: Storage, seed: int) -> None:
        """Backlog is kept, not counted: after any history it must equal the count."""
        chance = random.Random(seed)
        events = [an_event(key=f"{chance.randrange(20)}") for _ in range(40)]
        held: list[Delivery] = []
        for event in events:
            leases = {0: a_lease()} if chance.random() < 0.3 else {}
            held += (await store.accept(event, a_plan("erp", "chat"), leases)).deliveries
            held += await store.claim(chance.choice(["erp", "chat"]), a_lease(), START + SECOND, 2, MANY)
            if held and chance.random() < 0.8:
                delivery = held.pop(chance.randrange(len(held)))
                verb = chance.choice([delivered, dead, lambda d: again(d, START), None])
                await (store.settle(verb(delivery)) if verb else store.release([delivery]))
            if chance.random() < 0.2:
                await store.replay(chance.choice(events).id, START)
        await store.purge(START + SECOND, START, 10, MANY)

        counted = await storage.rows(
            "SELECT target, count(*) - count(finished_at), sum(CASE status WHEN 'dead' THEN 1 ELSE 0 END)"
            " FROM deliveries GROUP BY target"
        )
        lanes = await store.lanes()
        assert sorted(counted) == sorted((target, lane.unfinished, lane.dead) for target, lane in lanes.items())
