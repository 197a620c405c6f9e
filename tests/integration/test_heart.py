"""The heartbeat: it beats while all is well, behind the address guard, and stops when it is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from relay.domain import Heartbeat, NetworkTarget
from relay.headroom import Headroom
from relay.health import Health
from relay.heart import Heart
from relay.store.protocol import Store
from relay.targets.heartbeat import beat
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX


@asynccontextmanager
async def watcher(status: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Run what is called; return its URL, and what was called."""
    called: list[str] = []

    async def take(http: web.Request) -> web.Response:
        called.append(http.path_qs)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    application = web.Application()
    application.router.add_get("/{path:.*}", take)
    async with TestServer(application, access_log=None) as server:
        yield str(server.make_url("/ping?id=a-secret-of-theirs")), called


@pytest.mark.parametrize(("status", "is_taken"), [(200, True), (302, False), (500, False)])
async def test_a_beat_is_one_call_and_only_2xx_takes_it(status: int, is_taken: bool) -> None:
    """A redirect to a login page is no watcher that watches; it is not followed."""
    async with watcher(status) as (url, called):
        with capture_logs() as said:
            assert is_taken == await beat(NetworkTarget("heartbeat", url=url, allow_private=True))

    assert ["/ping?id=a-secret-of-theirs"] == called
    assert "a-secret-of-theirs" not in str(said)
    assert is_taken == (not said)


async def test_a_beat_passes_the_address_guard() -> None:
    """A URL from a file must not reach into the private network by itself."""
    async with watcher(200) as (url, called):
        assert not await beat(NetworkTarget("heartbeat", url=url))

    assert [] == called


async def test_it_beats_only_while_the_relay_is_ready(store: Store, clock: ManualClock) -> None:
    """A dead-man switch that is held by a relay that can do nothing is worse than none."""
    beats: list[str] = []

    async def count(target: NetworkTarget) -> bool:
        beats.append(target.name)
        return True

    headroom = Headroom(10, 1000)
    health = Health(store, None, [], headroom, clock)
    heart = Heart(None, health, clock, count)
    beating = asyncio.create_task(heart.run())
    await asyncio.sleep(0)
    assert [] == beats

    heart.adopt(Heartbeat(NetworkTarget("heartbeat"), timedelta(seconds=60)))
    async with asyncio.timeout(WAIT_S_MAX):
        while not beats:
            await asyncio.sleep(0.001)
    headroom.see({}, 10)
    clock.advance(1)
    await heart.beat_if_ready()
    assert 1 == len(beats)
    headroom.see({}, 5000)
    clock.advance(1)
    await heart.beat_if_ready()
    beating.cancel()

    assert 2 == len(beats)
