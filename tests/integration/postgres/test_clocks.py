"""Replicas whose clocks differ: what they compare with one another goes by the server's clock."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest

from relay.domain import Delivery, DeliveryStatus, Rate
from relay.store.postgres.servertime import NONE, ServerTime
from relay.store.postgres.store import PostgresStore
from relay.store.protocol import Settlement
from relay.system_clock import SystemClock
from tests.builders import a_lease, a_plan, again, an_attempt, an_event
from tests.storage import PostgresStorage

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PACE = Rate(3, 600.0)
MANY = 10**9


class Clock(SystemClock):
    """A machine's clock that is ahead of all others."""

    def __init__(self, ahead: timedelta = NONE) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead


class Replica:
    """A replica whose clock is ahead of all others."""

    def __init__(self, storage: PostgresStorage, name: str, ahead: timedelta) -> None:
        self.name = name
        self.now = (clock := Clock(ahead)).now
        self.store = PostgresStore(storage.url, name, clock)

    async def accept(self, count: int = 1) -> None:
        for _ in range(count):
            await self.store.accept(an_event(at=self.now()), a_plan(at=self.now()), {})

    async def claim(self, limit: int = 100, rate: Rate | None = None) -> list[Delivery]:
        lease = a_lease(self.name, at=self.now())
        return await self.store.claim("erp", lease, self.now() + SECOND, limit, MANY, rate)


Replicas = Callable[..., Awaitable[Replica]]


@pytest.fixture
async def replica(storage: PostgresStorage) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:

        async def opened(name: str, ahead: timedelta = NONE) -> Replica:
            found = Replica(storage, name, ahead)
            await found.store.open()
            stack.push_async_callback(found.store.close)
            return found

        yield opened


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_rate_is_one_for_all_whatever_their_clocks_say(replica: Replicas, ahead: timedelta) -> None:
    """Further apart than the period, each would use the whole of it, and take what the others had for past."""
    here, there = await replica("here"), await replica("there", ahead)
    await here.accept(10)

    granted = [len(await each.claim(2, PACE)) for each in (here, there, here, there)]

    assert [2, 1, 0, 0] == granted


async def test_what_a_replica_holds_is_not_overrun_by_the_clock_of_another(replica: Replicas) -> None:
    """It lives and works; its target would get each of its deliveries twice."""
    here, ahead = await replica("here"), await replica("ahead", HOUR)
    await here.accept()
    assert 1 == len(await here.claim())

    assert [] == await ahead.store.abandoned(ahead.now(), 10, MANY)
    await here.store.renew(here.now() + SECOND)
    assert [] == await ahead.store.abandoned(ahead.now(), 10, MANY)


async def test_a_lease_that_ran_out_is_overrun_for_all(replica: Replicas) -> None:
    """Also for one whose clock is behind: it would wait for an hour."""
    here, behind = await replica("here"), await replica("behind", -HOUR)
    await here.accept()
    await here.store.claim("erp", a_lease("here", at=here.now() - HOUR / 2), here.now() + SECOND, 1, MANY)

    assert 1 == len(await behind.store.abandoned(behind.now(), 10, MANY))


async def test_a_retry_is_due_when_its_target_asked_for_it(replica: Replicas) -> None:
    """`Retry-After: 600` is ten minutes, whichever replica has heard it, and whichever tries again."""
    here, ahead = await replica("here"), await replica("ahead", HOUR)
    await here.accept()
    (delivery,) = await here.claim()
    await here.store.settle(again(delivery, here.now() + 600 * SECOND))

    assert [] == await ahead.claim()
    due_at = (await ahead.store.next_due(["erp"]))["erp"]
    assert abs(due_at - ahead.now() - 600 * SECOND) < 60 * SECOND


async def test_who_waits_in_a_line_is_due_when_the_one_before_is_done(replica: Replicas) -> None:
    """Its turn would come when all clocks have reached the time of one that is ahead."""
    here, ahead = await replica("here"), await replica("ahead", HOUR)
    for _ in range(2):
        await here.store.accept(an_event(at=here.now()), a_plan(at=here.now(), order="A"), {})
    (first,) = await ahead.claim()
    await ahead.store.settle(Settlement(first, an_attempt(first, at=ahead.now()), DeliveryStatus.DELIVERED))

    assert 1 == len(await here.claim())


async def test_clocks_that_agree_are_left_alone(storage: PostgresStorage) -> None:
    """What is stored is what was told, to the microsecond."""
    time = ServerTime(Clock())
    async with storage.connected() as connection:
        await time.measure(connection)

    assert NONE == time.ahead
    assert time.is_known


async def test_a_clock_that_is_set_is_looked_at_again(storage: PostgresStorage) -> None:
    """By NTP after a machine woke up, or by hand."""
    time = ServerTime(clock := Clock())
    async with storage.connected() as connection:
        await time.measure(connection)
        clock.ahead = HOUR
        assert not time.is_known
        await time.measure(connection)

    assert time.is_known
    assert abs(time.ahead + HOUR) < 10 * SECOND
