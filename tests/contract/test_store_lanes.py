"""What every store promises of lanes: fair shares, strict order, a pace that is kept, and holds that are remembered."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import Delivery, Event, Hold, Rate
from relay.store.protocol import Settlement, Store
from tests.builders import a_lease, a_plan, again, an_event, dead, delivered
from tests.conftest import START
from tests.storage import OpenStore

SECOND = timedelta(seconds=1)
MANY = 10**9
OPEN = Breaker(BreakerState.OPEN, 10, None, START, START + 30 * SECOND, 30.0, "unreachable: refused")


async def accept(store: Store, *, order: str | None = None, at: datetime = START, target: str = "erp") -> Event:
    event = an_event(at=at)
    await store.accept(event, a_plan(target, at=at, order=order), {})
    return event


async def claim(store: Store, limit: int = 100, *, at: datetime = START, rate: Rate | None = None) -> list[Delivery]:
    return await store.claim("erp", a_lease(at=at), at, limit, MANY, rate)


async def taken(store: Store) -> Delivery:
    """Accept an event whose delivery is leased at once."""
    (delivery,) = (await store.accept(an_event(), a_plan("erp"), {0: a_lease()})).deliveries
    return delivery


async def an_old_retry(store: Store) -> Event:
    delivery = await taken(store)
    await store.settle(again(delivery, START))
    return delivery.event


async def due_at(store: Store, event: Event) -> datetime | None:
    record = await store.event(event.id)
    assert record is not None
    return record.deliveries[0].due_at


def ids(found: Sequence[Event | Delivery]) -> list[str]:
    return [each.event.id if isinstance(each, Delivery) else each.id for each in found]


class TestShares:
    async def test_those_never_tried_go_first_but_for_a_quarter(self, store: Store) -> None:
        """A target that comes back after hours gets today's bookings now, and yesterday's all the same."""
        retries = [await an_old_retry(store) for _ in range(8)]
        fresh = [await accept(store, at=START + SECOND) for _ in range(8)]

        claimed = await claim(store, 8, at=START + SECOND)

        assert ids(fresh[:6] + retries[:2]) == ids(claimed)

    async def test_what_one_kind_does_not_need_goes_to_the_other(self, store: Store) -> None:
        """Places are not left empty for those who are not there."""
        retries = [await an_old_retry(store) for _ in range(8)]
        fresh = [await accept(store, at=START + SECOND)]

        assert ids(fresh + retries[:7]) == ids(await claim(store, 8, at=START + SECOND))

    async def test_of_a_few_places_each_goes_to_what_has_waited_longest(self, store: Store) -> None:
        """With room for one at a time neither kind starves."""
        retry = await an_old_retry(store)
        fresh = await accept(store, at=START + SECOND)

        assert ids([retry]) == ids(await claim(store, 1, at=START + SECOND))
        assert ids([fresh]) == ids(await claim(store, 1, at=START + SECOND))

    async def test_a_replay_goes_as_one_never_tried(self, store: Store) -> None:
        """A person has clicked, and waits."""
        delivery = await taken(store)
        replayed = delivery.event
        await store.settle(delivered(delivery))
        retries = [await an_old_retry(store) for _ in range(8)]
        await store.replay(replayed.id, START)

        assert ids([replayed, *retries[:3]]) == ids(await claim(store, 4))


class TestOrder:
    async def test_those_with_the_same_value_go_one_at_a_time_in_order_of_arrival(self, store: Store) -> None:
        """Checkin must not overtake booked."""
        booked, checked_in, checked_out = [await accept(store, order="rental-7") for _ in range(3)]

        for number, event in enumerate((booked, checked_in, checked_out)):
            claimed = await claim(store, at=START + number * SECOND)
            assert ids([event]) == ids(claimed)
            assert [] == await claim(store, at=START + number * SECOND)
            await store.settle(delivered(claimed[0]))
        assert [] == await claim(store, at=START + 9 * SECOND)

    async def test_who_waits_for_its_turn_has_no_time_at_which_it_is_due(self, store: Store) -> None:
        """Nor has what is final: a page that told the year 9999 would be believed."""
        first, second = [await accept(store, order="rental-7") for _ in range(2)]
        assert [START, None] == [await due_at(store, event) for event in (first, second)]

        await store.settle(delivered(*await claim(store)))

        assert await due_at(store, first) is None
        assert await due_at(store, second) is not None

    async def test_a_retry_holds_back_its_own_value_and_no_other(self, store: Store) -> None:
        """One rental that the target refuses must not stop the fleet."""
        refused, other = await accept(store, order="rental-7"), await accept(store, order="rental-8")
        await accept(store, order="rental-7")
        first, second = await claim(store)
        await store.settle(again(first, START + 60 * SECOND))
        await store.settle(delivered(second))
        after = await accept(store, order="rental-8")

        assert ids([refused, other]) == ids([first, second])
        assert ids([after]) == ids(await claim(store))
        assert ids([refused]) == ids(await claim(store, at=START + 60 * SECOND))

    async def test_a_dead_one_lets_the_next_go(self, store: Store) -> None:
        """Given up is final: what follows is not held for ever."""
        await accept(store, order="rental-7")
        following = await accept(store, order="rental-7")
        (first,) = await claim(store)
        await store.settle(dead(first))

        assert ids([following]) == ids(await claim(store, at=START + SECOND))

    async def test_who_has_to_wait_is_not_born_with_a_lease(self, store: Store) -> None:
        """What goes in memory from accept to the worker keeps the order, too."""
        plan, lease = a_plan("erp", order="rental-7"), {0: a_lease()}
        first = await store.accept(an_event(), plan, lease)
        second = await store.accept(an_event(), plan, lease)

        assert (1, 0) == (len(first.deliveries), len(second.deliveries))

    async def test_the_same_group_keeps_the_order_as_well(self, store: Store) -> None:
        """Two that are committed together came one after the other all the same."""
        plan, lease = a_plan("erp", order="rental-7"), {0: a_lease()}
        receipts = await asyncio.gather(*[store.accept(an_event(), plan, lease) for _ in range(3)])

        assert [1, 0, 0] == [len(receipt.deliveries) for receipt in receipts]

    async def test_another_process_keeps_the_order(self, open_store: OpenStore) -> None:
        """Order is the store's, not one process's."""
        one, other = await open_store("worker-a"), await open_store("worker-b")
        first, second = await accept(one, order="rental-7"), await accept(other, order="rental-7")
        (held,) = await one.claim("erp", a_lease("worker-a"), START, 9, MANY)

        assert [] == await other.claim("erp", a_lease("worker-b"), START, 9, MANY)
        await one.settle(delivered(held))
        (next_one,) = await other.claim("erp", a_lease("worker-b"), START + SECOND, 9, MANY)
        assert [first.id, second.id] == [held.event.id, next_one.event.id]

    async def test_a_replay_waits_for_its_turn(self, store: Store) -> None:
        """One at a time holds for those that go again, too."""
        replayed = await accept(store, order="rental-7")
        (first,) = await claim(store)
        await store.settle(delivered(first))
        await accept(store, order="rental-7")
        (under_way,) = await claim(store)
        await store.replay(replayed.id, START)

        assert [] == await claim(store)
        await store.settle(delivered(under_way))
        assert ids([replayed]) == ids(await claim(store, at=START + SECOND))

    async def test_nothing_is_due_because_of_one_that_waits(self, store: Store) -> None:
        """The scheduler sleeps until something can really go."""
        await accept(store, order="rental-7")
        await accept(store, order="rental-7")
        (first,) = await claim(store)
        assert {} == await store.next_due(["erp"])

        await store.settle(delivered(first))
        assert {"erp"} == (await store.next_due(["erp"])).keys()

    @pytest.mark.parametrize("seed", range(12))
    async def test_whatever_happens_no_value_has_two_under_way_and_none_is_overtaken(
        self, store: Store, seed: int
    ) -> None:
        """Retries, deaths, releases and lost leases in any mixture."""
        chance = random.Random(seed)
        arrived: dict[str, list[str]] = defaultdict(list)
        finished: dict[str, list[str]] = defaultdict(list)
        held: list[Delivery] = []
        now = START
        for _ in range(120):
            now += SECOND
            if chance.random() < 0.4:
                order = f"rental-{chance.randrange(3)}"
                arrived[order].append((await accept(store, order=order, at=now)).id)
            held += await claim(store, chance.randrange(1, 4), at=now)
            values = [delivery.order for delivery in held]
            assert len(values) == len(set(values))
            if held and chance.random() < 0.7:
                delivery = held.pop(chance.randrange(len(held)))
                await _end(store, delivery, now, chance, finished)

        for order, events in finished.items():
            assert arrived[order][: len(events)] == events


async def _end(
    store: Store, delivery: Delivery, now: datetime, chance: random.Random, finished: dict[str, list[str]]
) -> None:
    """Let an attempt come to some end."""
    match chance.randrange(4):
        case 0:
            await store.release([delivery])
        case 1:
            await store.settle(again(delivery, now + chance.randrange(5) * SECOND))
        case _:
            verdict: Settlement = delivered(delivery) if chance.random() < 0.7 else dead(delivery)
            await store.settle(verdict)
            assert delivery.order is not None
            finished[delivery.order].append(delivery.event.id)


class TestRate:
    RATE = Rate(3, 10.0)

    async def test_no_period_however_laid_has_more_than_the_rate(self, store: Store) -> None:
        """A target's own limit may count from any moment."""
        for _ in range(40):
            await accept(store)

        granted = [now_s for now_s in range(60) for _ in await claim(store, at=START + now_s * SECOND, rate=self.RATE)]

        assert 18 == len(granted)
        assert all(sum(begin <= at < begin + 10 for at in granted) <= 3 for begin in range(60))

    async def test_a_restart_and_another_process_go_on_counting(self, open_store: OpenStore) -> None:
        """Whoever asks: the target is not called more often."""
        before, other = await open_store("worker-a"), await open_store("worker-b")
        for _ in range(9):
            await accept(before)
        assert 2 == len(await claim(before, 2, rate=self.RATE))
        await before.close()

        assert 1 == len(await claim(other, rate=self.RATE))
        assert [] == await claim(await open_store("worker-c"), at=START + 9 * SECOND, rate=self.RATE)
        assert 3 == len(await claim(other, at=START + 10 * SECOND, rate=self.RATE))

    async def test_what_is_given_back_unsent_was_not_granted(self, store: Store) -> None:
        """A target with two an hour does not lose an hour because the relay was restarted."""
        for _ in range(9):
            await accept(store)
        first, *_ = await claim(store, rate=self.RATE)
        await store.release([first])

        assert ids([first]) == ids(await claim(store, rate=self.RATE))
        assert [] == await claim(store, rate=self.RATE)

    async def test_a_clock_that_was_set_back_does_not_stop_the_lane(self, store: Store) -> None:
        """Grants from a future that never was are forgotten."""
        for _ in range(9):
            await accept(store)
        await claim(store, at=START + timedelta(days=1), rate=self.RATE)

        assert 3 == len(await claim(store, rate=self.RATE))


class TestHolds:
    async def test_a_pause_is_remembered_with_its_times(self, open_store: OpenStore) -> None:
        """It outlives a restart, and afterwards it is known for how long deliveries were held."""
        store = await open_store("worker-a")
        await store.pause("erp", START, is_paused=True)
        await store.close()

        store = await open_store("worker-b")
        assert (await store.lanes())["erp"].is_paused
        assert (Hold(START),) == await store.holds("erp")

        await store.pause("erp", START + 60 * SECOND, is_paused=False)
        assert not (await store.lanes())["erp"].is_paused
        assert (Hold(START, START + 60 * SECOND),) == await store.holds("erp")
        assert () == await store.holds("chat")

    async def test_a_breaker_is_remembered_as_it_was(self, store: Store) -> None:
        """Why it opened, when it is tried again, and how long it has been so."""
        assert await store.note_breaker("erp", CLOSED, OPEN, START)

        assert OPEN == (await store.lanes())["erp"].breaker
        assert (Hold(START),) == await store.holds("erp")

    async def test_who_comes_second_changes_nothing(self, open_store: OpenStore) -> None:
        """Two processes that see the same target fail do not undo each other's word."""
        one, other = await open_store("worker-a"), await open_store("worker-b")

        assert await one.note_breaker("erp", CLOSED, OPEN, START)
        assert not await other.note_breaker("erp", CLOSED, Breaker(BreakerState.OPEN, 99), START)
        assert OPEN == (await other.lanes())["erp"].breaker

    async def test_a_hold_ends_when_nothing_holds_any_more(self, store: Store) -> None:
        """A breaker that closes while its operator's pause lasts lets nothing go."""
        await store.note_breaker("erp", CLOSED, OPEN, START)
        await store.pause("erp", START + SECOND, is_paused=True)
        await store.note_breaker("erp", OPEN, CLOSED, START + 2 * SECOND)
        assert (Hold(START),) == await store.holds("erp")

        await store.pause("erp", START + 3 * SECOND, is_paused=False)
        assert (Hold(START, START + 3 * SECOND),) == await store.holds("erp")

    async def test_holds_are_kept_as_long_as_history(self, store: Store) -> None:
        """A target that comes and goes for years does not fill the file."""
        await store.pause("erp", START, is_paused=True)
        await store.pause("erp", START + SECOND, is_paused=False)
        await store.pause("erp", START + 2 * SECOND, is_paused=True)

        await store.purge(START + 60 * SECOND, START + 60 * SECOND, 10, MANY)

        assert (Hold(START + 2 * SECOND),) == await store.holds("erp")
