"""Readiness looks: at the store, at the scheduler, at every worker."""

import asyncio

from relay.headroom import Headroom
from relay.health import Health
from relay.scheduler import Scheduler
from relay.store.protocol import Store
from tests.conftest import ManualClock
from tests.integration.conftest import Bench


async def test_a_worker_that_hangs_makes_the_process_unready(bench: Bench) -> None:
    """Promise 9: a constant would say that all is well."""
    health = Health(
        bench.store, Scheduler(bench.store, bench.lanes, [], bench.clock), [bench.worker], Headroom(10, 0), bench.clock
    )
    assert (await health.checks())["workers"].ok
    bench.target.open_gate.clear()
    await bench.accept()
    while not bench.target.sent:
        await asyncio.sleep(0.001)

    bench.clock.advance(14)
    assert (await health.checks())["workers"].ok
    bench.clock.advance(90)
    fresh = Health(
        bench.store, Scheduler(bench.store, bench.lanes, [], bench.clock), [bench.worker], Headroom(10, 0), bench.clock
    )
    assert "stuck: erp" == (await fresh.checks())["workers"].detail


async def test_a_scheduler_that_hangs_makes_the_process_unready(store: Store, clock: ManualClock, bench: Bench) -> None:
    """Nothing that is due later would be seen."""
    health = Health(store, Scheduler(store, bench.lanes, [], clock), [], Headroom(10, 0), clock)

    clock.advance(15)

    assert "the scheduler was last heard of 15 s ago" == (await health.checks())["workers"].detail
