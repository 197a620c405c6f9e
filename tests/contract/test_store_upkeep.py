"""What every store promises of itself: old history goes, a locked database is told, and the numbers stay true."""

import asyncio
import gc
import random
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import Delivery, Plan
from relay.errors import StoreRefused, StoreUnavailable
from relay.store.protocol import Store
from tests.builders import a_lease, a_plan, again, an_event, dead, delivered
from tests.conftest import START
from tests.storage import OpenStore, Storage

SECOND = timedelta(seconds=1)
MANY = 10**9
WAYS_MAX = 2  # by which a store has events committed side by side


class TestPurge:
    async def test_only_what_is_finished_and_old_is_dropped(self, store: Store) -> None:
        """Retention never touches what is still to be delivered."""
        finished, unfinished, young = an_event(), an_event(), an_event(at=START + timedelta(days=40))
        receipt = await store.accept(finished, a_plan(), {0: a_lease()})
        await store.settle(delivered(receipt.deliveries[0]))
        for event in (unfinished, young):
            await store.accept(event, a_plan(), {})

        assert await store.purge(START + timedelta(days=30), START, 100, MANY)
        assert not await store.purge(START + timedelta(days=30), START, 100, MANY)
        assert None is await store.event(finished.id)
        assert await store.event(unfinished.id)
        assert await store.event(young.id)

    async def test_a_key_lives_for_its_own_window(self, store: Store) -> None:
        """The event may be gone from the history; its repeat is still a duplicate."""
        event = an_event(key="one", window=timedelta(days=60))
        receipt = await store.accept(event, a_plan(), {0: a_lease()})
        await store.settle(dead(receipt.deliveries[0]))
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
        store = await open_store("worker-a", patience_s=0.25)
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

    async def test_what_could_not_be_stored_is_let_go_at_once(self, open_store: OpenStore, storage: Storage) -> None:
        """While the database is away large bodies come again and again: none may stand until garbage is looked for."""
        store = await open_store("worker-a", patience_s=0.25)
        body = bytes(1000)
        gc.disable()
        try:
            async with storage.blocked():
                with suppress(StoreUnavailable):
                    await store.accept(an_event(body=body), a_plan(), {})
            await store.probe(START)

            assert 2 == sys.getrefcount(body)  # ours, and the call's
        finally:
            gc.enable()

    async def test_those_who_came_during_a_failure_do_not_wait_for_another(
        self, open_store: OpenStore, storage: Storage
    ) -> None:
        """A sender's patience is short: it hears 503 once the database was found locked, not one wait later."""
        store = await open_store("worker-a", patience_s=0.25)
        async with storage.blocked():
            under_way = [asyncio.create_task(store.accept(an_event(), a_plan(), {})) for _ in range(WAYS_MAX)]
            await asyncio.sleep(0.01)
            late = asyncio.create_task(store.accept(an_event(), a_plan(), {}))

            await asyncio.wait(under_way)
            await asyncio.sleep(0)

            assert late.done()
            for each in (*under_way, late):
                with pytest.raises(StoreUnavailable):
                    await each


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
