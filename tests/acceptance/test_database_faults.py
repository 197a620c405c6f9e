"""The database goes away under load, in every way it can: nothing is acknowledged meanwhile, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.replicas import all_to, assert_kept, replicas
from tests.acceptance.sink import Sink
from tests.acceptance.test_lifecycle import parts, post
from tests.acceptance.test_unusable_database import COMMANDS, line_of
from tests.acceptance.vendors import Vendors, load
from tests.cutting import Cable, cable_to
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.postgres import Server, running
from tests.storage import PostgresStorage

DATABASE = "relay"
CUT_S = {"cut": 10.0, "fall_silent": 6.0}  # longer than it takes to be taken for gone
CRASHES = 2


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, to be ended."""
    with running(free_port()) as server:
        server.sql(f"CREATE DATABASE {DATABASE}")
        yield server


async def some_more(vendors: Vendors, count: int = 100) -> None:
    """Come back once so many more events are acknowledged."""
    await vendors.have_been_promised(len(vendors.ledger.ids) + count)


async def refuses(relay: Program) -> None:
    """Insist that a relay tells that it cannot store anything."""
    told = await relay.until_readiness_is(503)
    assert told["checks"]["store"]["ok"] is False


async def test_a_database_that_crashes_and_comes_back_costs_nothing_but_time(
    tmp_path: Path, server: Server, sink: Sink
) -> None:
    """503 meanwhile, as readiness says, and afterwards all is well without a hand or a restart."""
    storage = PostgresStorage(server.url(DATABASE))
    async with replicas(tmp_path, storage, all_to(erp=sink)) as relays:
        vendors = Vendors([relay.url for relay in relays])
        async with load(vendors):
            for _ in range(CRASHES):
                await some_more(vendors)
                await asyncio.to_thread(server.stop)
                await asyncio.gather(vendors.have_been_refused(), *map(refuses, relays))
                await asyncio.to_thread(server.start)
                await asyncio.gather(*(relay.is_ready() for relay in relays))
            await some_more(vendors)
        await relays[0].is_settled()

        assert_kept(vendors.ledger, relays, erp=sink)
    assert 0 == vendors.ledger.unanswered


@pytest.mark.parametrize("way", CUT_S)
async def test_a_replica_that_is_cut_off_from_the_database_refuses_until_it_is_back(
    tmp_path: Path, server: Server, sink: Sink, way: str
) -> None:
    """The other one goes on, and carries what the one that is cut off held; nothing is lost, nothing falsely promised.

    Cut: connections are refused. Silent: packets vanish, and nobody says so.
    """
    storage = PostgresStorage(server.url(DATABASE))
    async with cable_to(server.port) as cable:
        behind_it = PostgresStorage(cable_url(server, cable))
        first = configured(tmp_path, all_to(erp=sink), name="first", storage=behind_it)
        second = configured(tmp_path, all_to(erp=sink), name="second", storage=storage)
        async with started(first), started(second):
            vendors = Vendors([first.url, second.url])
            async with load(vendors):
                await some_more(vendors)
                await interrupt(cable, way)
                await refuses(first)
                await asyncio.gather(some_more(vendors), asyncio.sleep(CUT_S[way]))  # by the other one
                await vendors.have_been_refused()
                await refuses(first)
                await cable.mend()
                await first.is_ready()
                await some_more(vendors)
            await second.is_settled()

            assert_kept(vendors.ledger, [second, first], erp=sink)
    assert 0 == vendors.ledger.unanswered


async def interrupt(cable: Cable, way: str) -> None:
    if way == "cut":
        await cable.cut()
    else:
        cable.fall_silent()


def cable_url(server: Server, cable: Cable) -> str:
    return server.url(DATABASE).replace(f":{server.port}/", f":{cable.port}/")


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary, and a standby without which it promises nothing."""

    primary: Server
    standby: Server

    @property
    def storage(self) -> PostgresStorage:
        """Return a database on whichever of them is the primary."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        return PostgresStorage(self.primary.url(DATABASE).replace(f"127.0.0.1:{self.primary.port}", hosts))


@pytest.fixture
def pair(server: Server) -> Iterator[Pair]:
    standby = server.standby(free_port())
    try:
        yield Pair(server, standby)
    finally:
        standby.stop()


async def test_what_was_acknowledged_survives_the_loss_of_the_primary(tmp_path: Path, pair: Pair, sink: Sink) -> None:
    """The primary's machine dies, its standby takes over; the relays find it by themselves."""
    async with replicas(tmp_path, pair.storage, all_to(erp=sink)) as relays:
        vendors = Vendors([relay.url for relay in relays])
        async with load(vendors):
            await some_more(vendors, 300)
            pair.primary.kill()
            await asyncio.gather(vendors.have_been_refused(), *map(refuses, relays))
            await asyncio.to_thread(pair.standby.promote)
            await asyncio.gather(*(relay.is_ready() for relay in relays))
            await some_more(vendors)
        await relays[0].is_settled()

        assert_kept(vendors.ledger, relays, erp=sink)
    assert 0 == vendors.ledger.unanswered


WAITING_COMMIT = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'relay accepting' AND wait_event = 'SyncRep'"""


async def post_until_a_commit_waits(relay: Program, http: ClientSession) -> list[int]:
    """Send an event until its commit waits for the standby; return how each try was answered."""
    statuses: list[int] = []
    async with asyncio.timeout(WAIT_S_MAX):
        while not relay.rows(WAITING_COMMIT):
            statuses.append((await post(relay, http, "first"))[0])
    return statuses


async def test_a_repeat_is_acknowledged_only_once_the_standby_has_the_first(
    tmp_path: Path, pair: Pair, sink: Sink
) -> None:
    """A commit that waits for its standby is seen after a restart, and yet nobody may be told that it is safe."""
    async with started(configured(tmp_path, parts(sink), storage=pair.storage)) as relay, session() as http:
        await post(relay, http, "before")
        pair.standby.stop()
        refused = await post_until_a_commit_waits(relay, http)
        await asyncio.to_thread(pair.primary.stop)
        await asyncio.to_thread(pair.primary.start)
        stored = relay.rows("SELECT count(*) FROM events")
        refused += await post_until_a_commit_waits(relay, http)
        await asyncio.to_thread(pair.standby.start)
        async with asyncio.timeout(WAIT_S_MAX):
            while (answered := await post(relay, http, "first"))[0] == 503:
                pass
        status, _, answer = answered
        await sink.has(answer["id"])

    assert {503} == set(refused)
    assert [(2,)] == stored  # seen by all, and on one machine alone
    assert (200, "duplicate") == (status, answer["status"])


async def test_a_standby_alone_is_told_in_one_line(tmp_path: Path, pair: Pair, sink: Sink) -> None:
    """Whoever names the wrong one of two servers reads so, instead of a relay that accepts nothing."""
    lines = [await line_of(command, tmp_path, sink, pair.standby.url(DATABASE)) for command in COMMANDS]

    told = f"127.0.0.1:{pair.standby.port}: it takes no changes: it is a standby"
    assert [] == [line for line in lines if told not in line]
