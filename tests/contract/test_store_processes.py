"""What every store promises to several processes on it: the dead are inherited from, and who waits is woken."""

import asyncio
from datetime import timedelta

import pytest

from relay.domain import DeliveryStatus, Outcome
from relay.errors import StoreUnavailable
from relay.store.protocol import Settlement, Store
from tests.builders import a_lease, a_plan, an_attempt, an_event, delivered
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore

SECOND = timedelta(seconds=1)
MANY = 10**9


class TestClosed:
    async def test_a_store_that_is_closed_is_unavailable_for_whatever_is_asked(self, open_store: OpenStore) -> None:
        """Who comes after the end hears so; nothing is opened again behind everybody's back."""
        store = await open_store("worker-a")
        await store.close()

        for asked in (
            store.accept(an_event(), a_plan(), {}),
            store.claim("erp", a_lease(), START, 1, 1),
            store.probe(START),
            store.lanes(),
            store.next_due(["erp"]),
            store.holds("erp"),
            store.event(an_event().id),
        ):
            with pytest.raises(StoreUnavailable):
                await asked


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

        await asyncio.wait_for(waiting, WAIT_S_MAX)
        assert 1 == len(await deliverer.claim("erp", a_lease("worker-b"), START + SECOND, 10, MANY))

    async def test_what_is_stored_while_nobody_waits_is_heard_by_the_next_to_wait(self, open_store: OpenStore) -> None:
        """Between two looks something may come: it must not wait for the one after."""
        receiver, deliverer = await open_store("worker-a"), await open_store("worker-b")
        early = asyncio.create_task(deliverer.woken())
        await asyncio.sleep(0)
        early.cancel()

        await receiver.accept(an_event(), a_plan(), {})

        await asyncio.wait_for(deliverer.woken(), WAIT_S_MAX)

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
            await asyncio.wait_for(waiting, WAIT_S_MAX)

    async def test_who_gives_back_twice_takes_nothing_from_another(self, open_store: OpenStore) -> None:
        """No answer came to the first time, and another has claimed it since, by the same number: it stays there."""
        store, other = await open_store("worker-a"), await open_store("worker-b")
        await store.accept(an_event(), a_plan(), {})
        (given_back,) = await store.claim("erp", a_lease("worker-a"), START + SECOND, 1, MANY)
        await store.release([given_back])
        (taken,) = await other.claim("erp", a_lease("worker-b"), START + SECOND, 1, MANY)

        await store.release([given_back])

        assert await other.settle(delivered(taken))

    async def test_who_waits_is_told_of_while_it_lives(self, open_store: OpenStore) -> None:
        """A receiver says whether anybody carries what it takes."""
        receiver, deliverer = await open_store("worker-a"), await open_store("worker-b")
        assert 0 == await receiver.listeners()
        waiting = asyncio.create_task(deliverer.woken())

        async with asyncio.timeout(WAIT_S_MAX):
            while await receiver.listeners() != 1:
                await asyncio.sleep(0.01)
            assert 0 == await deliverer.listeners()
            waiting.cancel()
            await deliverer.close()
            while await receiver.listeners() != 0:
                await asyncio.sleep(0.01)
