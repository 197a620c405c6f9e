"""A process that only receives knows whether anybody delivers, and says so; it accepts in any case."""

import asyncio

import pytest
from structlog.testing import capture_logs

from relay.deliverers import Deliverers
from relay.headroom import Headroom
from relay.health import Health
from relay.store.protocol import Store
from relay.store.sqlite import waking
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore


@pytest.fixture
async def other(store: Store, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Another process on the same database, which may begin to deliver; who listens is looked for each time."""
    monkeypatch.setattr(waking, "PEERS_KNOWN_S", 0.0)
    return await open_store("worker-b")


async def test_that_nobody_delivers_is_told_once_and_that_somebody_does_again(
    store: Store, other: Store, clock: ManualClock
) -> None:
    """A restart of the only deliverer takes a moment and is no news; a forgotten one is."""
    deliverers = Deliverers(store, clock)
    with capture_logs() as said:
        for seconds in (0, 9, 1, 100):
            clock.advance(seconds)
            await deliverers.look()
        waiting = asyncio.create_task(other.woken())
        async with asyncio.timeout(WAIT_S_MAX):
            while not await store.listeners():
                await asyncio.sleep(0.01)
        await deliverers.look()
    waiting.cancel()

    assert ["nobody_delivers", "somebody_delivers"] == [line["event"] for line in said]
    assert "relay serve --role deliver" in said[0]["next_step"]


async def test_a_receiver_is_ready_without_anybody_who_delivers_and_says_so(store: Store, clock: ManualClock) -> None:
    """Its promise is to accept: turning senders away would lose what the backlog could hold."""
    deliverers = Deliverers(store, clock)
    await deliverers.look()
    checks = await Health(store, None, [], Headroom(10, 0), clock, deliverers).checks()

    assert all(check.ok for check in checks.values())
    assert checks["deliverers"].detail.startswith("nobody delivers")
    assert {"store", "deliverers", "disk", "backlog", "configuration", "running"} == checks.keys()
