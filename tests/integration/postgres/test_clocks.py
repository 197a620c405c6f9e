"""Replicas whose machines' clocks differ, or are set: all of them live by the server's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from relay.cli.database import opened_with_clock
from relay.domain import Delivery, DeliveryStatus, Rate
from relay.store.postgres.dialling import Connection
from relay.store.postgres.servertime import ServerClock
from relay.store.postgres.store import PostgresStore
from relay.store.protocol import Settlement
from relay.system_clock import SystemClock
from tests.builders import a_lease, a_plan, again, an_attempt, an_event
from tests.patience import WAIT_S_MAX
from tests.storage import PostgresStorage

HOUR, MINUTE, SECOND, NONE = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1), timedelta()
PACE = Rate(3, 600.0)
MANY = 10**9
CLOCK_THAT_CAN_BE_SET = """
    CREATE SCHEMA pretended;
    CREATE FUNCTION pretended.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
        $$ SELECT pg_catalog.clock_timestamp() + current_setting('pretended.ahead')::interval $$;
    SET search_path TO pretended, pg_catalog"""


class Machine(SystemClock):
    """A machine whose clock is ahead of all others."""

    def __init__(self, ahead: timedelta = NONE) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead

    def machine_now(self) -> datetime:
        return self.now()


class Replica:
    """A replica on a machine whose clock is ahead of all others."""

    def __init__(self, storage: PostgresStorage, name: str, ahead: timedelta) -> None:
        self.name = name
        self.machine = Machine(ahead)
        self.clock = ServerClock(self.machine)
        self.now = self.clock.now
        self.store = PostgresStore(storage.url, name, self.clock, patience_s=WAIT_S_MAX)

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
    assert abs(due_at - ahead.now() - 600 * SECOND) < MINUTE


async def test_who_waits_in_a_line_is_due_when_the_one_before_is_done(replica: Replicas) -> None:
    """Its turn would come when all clocks have reached the time of one that is ahead."""
    here, ahead = await replica("here"), await replica("ahead", HOUR)
    for _ in range(2):
        await here.store.accept(an_event(at=here.now()), a_plan(at=here.now(), order="A"), {})
    (first,) = await ahead.claim()
    await ahead.store.settle(Settlement(first, an_attempt(first, at=ahead.now()), DeliveryStatus.DELIVERED))

    assert 1 == len(await here.claim())


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_jump_of_the_machines_clock_is_not_seen_for_a_moment(replica: Replicas, ahead: timedelta) -> None:
    """What is planned right after it would be due an hour late, or at once."""
    here = await replica("here")
    before = here.now()
    here.machine.ahead = ahead

    assert NONE <= here.now() - before < MINUTE


async def test_what_others_have_stamped_is_judged_by_the_machines_clock(replica: Replicas) -> None:
    """A database whose clock is wrong must not have every signed webhook refused."""
    here = await replica("here", HOUR)

    assert abs(here.clock.machine_now() - here.now() - HOUR) < MINUTE


async def test_the_clock_goes_on_while_the_database_is_away(replica: Replicas) -> None:
    """For hours, if need be: what is sent and what failed meanwhile is planned and settled by it."""
    here = await replica("here", HOUR)
    await here.store.close()
    before = here.now()
    here.machine.ahead = 2 * HOUR

    assert NONE <= here.now() - before < MINUTE


@pytest.fixture
async def server(storage: PostgresStorage) -> AsyncIterator[Connection]:
    """Connect to a server whose clock can be set."""
    async with storage.connected() as connection:
        await connection.execute(CLOCK_THAT_CAN_BE_SET)
        await set_ahead(connection, NONE)
        yield connection


async def set_ahead(server: Connection, ahead: timedelta) -> None:
    await server.execute(f"SET pretended.ahead = '{ahead.total_seconds()} s'")


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
async def test_a_server_whose_clock_is_set_is_followed(server: Connection, ahead: timedelta) -> None:
    """Also one that took over from another: what all replicas follow at once parts none of them."""
    clock = ServerClock(SystemClock())
    await clock.hear(server)
    before = clock.now()
    await set_ahead(server, ahead)
    with capture_logs() as told:
        await clock.hear(server)
        await clock.hear(server)

    assert abs(clock.now() - before - ahead) < MINUTE
    assert ["database_clock_set", "clocks_differ"] == [line["event"] for line in told]


async def test_who_lives_is_not_overrun_by_the_servers_clock(
    replica: Replicas, storage: PostgresStorage, server: Connection
) -> None:
    """Where it is set ahead all leases have run out at once; who follows a moment later still sends what it holds."""
    here, there = await replica("here"), Replica(storage, "there", NONE)
    await here.accept()
    await here.store.claim("erp", a_lease("here", at=here.now() - HOUR), here.now() + SECOND, 1, MANY)
    await set_ahead(server, -HOUR)
    await there.clock.hear(server)
    await there.store.open()
    overrun = await there.store.abandoned(there.now(), 10, MANY)
    await there.store.close()

    assert [] == overrun


async def test_time_does_not_jump_where_the_clocks_agree(server: Connection) -> None:
    """What an answer took is no difference: each would set the time a little, and now and then back."""
    clock = ServerClock(machine := SystemClock())
    await clock.hear(server)
    began = clock.now() - timedelta(seconds=machine.monotonic())
    await set_ahead(server, timedelta(milliseconds=40))
    for _ in range(20):
        await clock.hear(server)

    assert abs(clock.now() - timedelta(seconds=machine.monotonic()) - began) < timedelta(milliseconds=1)


async def test_a_wrong_clock_is_told_once(server: Connection) -> None:
    """Once a second would fill the log; and once more where it is wrong by something else."""
    machine = Machine(HOUR)
    clock = ServerClock(machine)
    with capture_logs() as told:
        for ahead in (HOUR, HOUR, -HOUR, NONE, HOUR):
            machine.ahead = ahead
            await clock.hear(server)

    assert ["clocks_differ"] * 3 == [line["event"] for line in told]
    assert [-3600, 3600, -3600] == [round(line["behind_the_database_s"]) for line in told]


async def test_commands_live_by_the_servers_clock(storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator replays from a machine whose clock is ahead would wait for an hour."""
    monkeypatch.setattr("relay.cli.database.SystemClock", lambda: Machine(HOUR))
    async with opened_with_clock(storage.database()) as (_, clock):
        assert abs(clock.now() - SystemClock().now()) < MINUTE
