"""The store contract: what every store promises of events, from accepted to settled. A store is never faked."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import Delivery, DeliveryStatus, Outcome, Plan
from relay.errors import StoreRefused
from relay.store.protocol import Settlement, Store
from tests.builders import a_lease, a_plan, again, an_attempt, an_event, dead, delivered
from tests.conftest import START
from tests.storage import OpenStore

SECOND = timedelta(seconds=1)
MANY = 10**9
MIB = 1024 * 1024


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

    async def test_what_comes_at_the_same_moment_is_told_apart(self, store: Store) -> None:
        """A repeat, a key twice, a large body, or a line that is busy: none of them changes what the others get."""
        old = await store.accept(an_event(key="old"), a_plan(), {})
        keys = ("fresh", "old", "twice", "large", "twice", "first", "second")
        events = [an_event(key=key, body=b"x" * (2 * MIB if key == "large" else 2)) for key in keys]
        orders = {"first": "a line", "second": "a line"}
        plans = [a_plan(order=orders.get(key)) for key in keys]

        receipts = await asyncio.gather(
            *(store.accept(*each, {0: a_lease()}) for each in zip(events, plans, strict=True))
        )

        originals = {1: old.event_id, 4: events[2].id}
        assert [originals.get(index, event.id) for index, event in enumerate(events)] == [r.event_id for r in receipts]
        assert [index in originals for index in range(len(keys))] == [receipt.is_duplicate for receipt in receipts]
        assert [1, 0, 1, 1, 0, 1, 0] == [len(receipt.deliveries) for receipt in receipts]
        assert 1 + 5 == (await store.lanes())["erp"].unfinished

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
        """Keys are per source: no sender can burn another's, nor be told another's id."""
        one = await store.accept(an_event(key="one", source="a"), a_plan(), {})
        other = await store.accept(an_event(key="one", source="b"), a_plan(), {})
        again = [await store.accept(an_event(key="one", source=source), a_plan(), {}) for source in ("a", "b")]

        assert not other.is_duplicate
        assert [one.event_id, other.event_id] == [receipt.event_id for receipt in again]

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

        expected = {event.id: event.body for event in events}
        assert expected == {delivery.event.id: delivery.event.body for delivery in claimed}
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
