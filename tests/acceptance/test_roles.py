"""Receiving and delivering in processes of their own, on one database: nothing is lost, nothing waits to be noticed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from relay.scheduler import POLL_S
from tests.acceptance.program import Program, configured, run, session, started
from tests.acceptance.replicas import all_to, missing_from
from tests.acceptance.sink import Sink
from tests.acceptance.vendors import Vendors, load
from tests.patience import WAIT_S_MAX
from tests.storage import Storage

IN_TURN = 20
KILLS = 6
SEED = 20260702


def parts(sink: Sink) -> dict[str, object]:
    return {
        "sources": {"shop": {"verify": "none", "key": "id"}},
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": "shop", "to": "erp"}],
        "admin": {"listen": "127.0.0.1:0", "tokens": ["a-token-of-the-admin"]},
    }


def a_receiver(folder: Path, storage: Storage, parts: dict[str, object], name: str = "receiver") -> Program:
    """Make one with an admin port of its own."""
    program = configured(folder, parts, name=name, storage=storage)
    return replace(program, arguments=("--role", "receive", "--admin", f"127.0.0.1:{program.admin_port}"))


def a_deliverer(folder: Path, storage: Storage, parts: dict[str, object], name: str = "deliverer") -> Program:
    """Make one: whatever is asked of it is asked at its admin port."""
    program = configured(folder, parts, name=name, storage=storage)
    arguments = ("--role", "deliver", "--admin", f"127.0.0.1:{program.admin_port}")
    return replace(program, arguments=arguments, port=program.admin_port)


@asynccontextmanager
async def running(*programs: Program) -> AsyncIterator[None]:
    """Run several; a receiver among them knows who delivers once the last has been there for a moment."""
    async with AsyncExitStack() as stack:
        for program in programs:
            await stack.enter_async_context(started(program))
        yield


async def knows(receiver: Program, detail: str) -> None:
    """Come back once a receiver tells this of those who deliver."""
    async with asyncio.timeout(WAIT_S_MAX):
        while (await receiver.until_readiness_is(200))["checks"]["deliverers"]["detail"] != detail:
            await asyncio.sleep(0.05)


async def post(program: Program, key: str) -> str:
    async with session() as http, http.post(f"{program.url}/in/shop", json={"id": key}) as answer:
        assert 200 == answer.status
        return str((await answer.json())["id"])


async def test_what_one_process_takes_another_carries_at_once(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """Each event begins just after the last was looked for: by looking alone each would take a whole interval."""
    receiver, deliverer = a_receiver(tmp_path, storage, parts(sink)), a_deliverer(tmp_path, storage, parts(sink))
    async with running(receiver, deliverer):
        await knows(receiver, "1 listening")
        clock = asyncio.get_running_loop()
        fresh_s, replayed_s = [], []
        for number in range(IN_TURN):
            began_s = clock.time()
            await sink.has(await post(receiver, f"{number}"))
            fresh_s.append(clock.time() - began_s)

        headers = {"Authorization": "Bearer a-token-of-the-admin"}
        event_id = sink.arrivals[0].event_id
        async with session() as http:
            for number in range(IN_TURN):
                await receiver.is_settled()
                began_s = clock.time()
                await http.post(f"{receiver.admin_url}/api/v1/events/{event_id}/replay", headers=headers)
                await sink.counts(IN_TURN + number + 1)
                replayed_s.append(clock.time() - began_s)

    for taken_s in (fresh_s, replayed_s):  # a machine that is slow makes some of them late, and not all
        assert sorted(taken_s)[IN_TURN // 4] < POLL_S / 2


async def test_each_role_tells_its_own_readiness(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """A service manager asks each process whether it can do what it is there for."""
    receiver, deliverer = a_receiver(tmp_path, storage, parts(sink)), a_deliverer(tmp_path, storage, parts(sink))
    async with running(receiver, deliverer):
        await knows(receiver, "1 listening")
        received = await receiver.until_readiness_is(200)
        asked_inside = await replace(receiver, port=receiver.admin_port).until_readiness_is(200)
        delivered = await deliverer.until_readiness_is(200)
        deliverer.kill()
        await knows(receiver, "nobody delivers: what is accepted is stored, and waits")
        event_id = await post(receiver, "accepted in any case")
        deliverer.start()
        await sink.has(event_id)

    assert {"store", "deliverers", "disk", "backlog", "configuration", "running"} == received["checks"].keys()
    assert received["checks"].keys() == asked_inside["checks"].keys()
    assert {"store", "workers", "configuration", "running"} == delivered["checks"].keys()


async def test_several_receivers_share_one_port(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """The system hands each new connection to one of them; when one ends, the others go on."""
    first, second = (
        a_receiver(tmp_path, storage, parts(sink), "first"),
        a_receiver(tmp_path, storage, parts(sink), "second"),
    )
    second = replace(second, arguments=(*second.arguments, "--listen", f"127.0.0.1:{first.port}"), port=first.port)
    async with running(first, second):
        await replace(second, port=second.admin_port).is_ready()  # at the public port the first may answer
        await asyncio.gather(*(post(first, f"{number}") for number in range(40)))
        shares = [await taken_by(first), await taken_by(second)]
        assert 0 == await first.stop()
        await asyncio.gather(*(post(second, f"later {number}") for number in range(10)))
        stored = second.rows("SELECT count(*) FROM events")

    assert 40 == sum(shares)
    assert min(shares) > 0
    assert [(50,)] == stored


async def taken_by(program: Program) -> float:
    async with session() as http, http.get(f"{program.admin_url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("relay_events_total{"))


async def test_one_that_does_everything_shares_its_port_with_nobody(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """A second start by mistake is told, also where receivers have the port."""
    receiver = a_receiver(tmp_path, storage, parts(sink))
    async with running(receiver):
        code, _, errors = await run("serve", "-c", str(receiver.config))

    assert 2 == code
    assert "cannot be listened on" in errors


async def test_two_deliverers_share_the_work_and_send_nothing_twice(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """Each delivery belongs to whoever leased it first."""
    shared = all_to(erp=sink)
    receiver = a_receiver(tmp_path, storage, shared)
    deliverers = [a_deliverer(tmp_path, storage, shared, name) for name in ("one", "two")]
    vendors = Vendors([receiver.url])
    async with running(receiver, *deliverers):
        async with load(vendors):
            await vendors.have_been_promised(1500)
        await receiver.is_settled()
        workers = receiver.rows("SELECT count(*) FROM deliveries WHERE status <> 'delivered' OR attempts > 1")

    assert {200} == vendors.ledger.statuses.keys()
    assert [] == missing_from(sink, vendors.ledger)
    assert 0 == sink.doubled
    assert [(0,)] == workers


async def test_what_a_killed_deliverer_held_another_carries(tmp_path: Path, storage: Storage, sink: Sink) -> None:
    """Promise 2, over several processes: whichever dies under load, nothing that was acknowledged is lost."""
    shared = all_to(erp=sink)
    receiver = a_receiver(tmp_path, storage, shared)
    deliverers = [a_deliverer(tmp_path, storage, shared, name) for name in ("one", "two")]
    vendors, moments = Vendors([receiver.url]), random.Random(SEED)
    async with running(receiver, *deliverers):
        async with load(vendors):
            for number in range(KILLS):
                await asyncio.sleep(moments.uniform(0.1, 0.6))
                victim = deliverers[number % 2]
                victim.kill()
                victim.start()
            await vendors.have_been_promised(100)
        deliverers[0].kill()
        await receiver.is_settled()
        unfinished = receiver.rows("SELECT status, count(*) FROM deliveries WHERE status <> 'delivered' GROUP BY 1")

    print(f"{KILLS} kills, {len(vendors.ledger.promised):,} acknowledged, {sink.doubled} doubled")
    assert {200} == vendors.ledger.statuses.keys()
    assert [] == missing_from(sink, vendors.ledger)
    assert [] == unfinished
