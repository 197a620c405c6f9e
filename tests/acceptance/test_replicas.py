"""Several relays on one PostgreSQL: whichever dies, nothing is lost; what a target was promised, all of them keep."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests import ordering
from tests.acceptance.program import Program, run, session
from tests.acceptance.replicas import all_to, assert_kept, replicas
from tests.acceptance.sink import Sink, receiving, receiving_by
from tests.acceptance.test_held_targets import until_state_is
from tests.acceptance.vendors import Vendors, every, load
from tests.ports import free_port
from tests.postgres import Server
from tests.storage import PostgresStorage, postgres_storage

KILLS = 10
SEED = 20261121
SLOW_S = 0.02
RENTALS, EACH, FAILING = 150, 20, 0.15
TELLERS = 50
HELD = {"retry": {"base": "50ms", "factor": 1, "jitter": 0}, "allow_private": True}


@pytest.fixture
def storage(postgres: Server) -> Iterator[PostgresStorage]:
    with postgres_storage(postgres) as storage:
        yield storage


def shop(**targets: dict[str, Any]) -> dict[str, Any]:
    return {
        "sources": {"shop": {"verify": "none", "key": "id"}},
        "targets": {name: {**HELD, **target} for name, target in targets.items()},
        "routes": [{"from": "shop", "to": list(targets)}],
    }


async def post(http: ClientSession, relay: Program, number: int) -> str:
    async with http.post(f"{relay.url}/in/shop", json={"id": number}) as answer:
        assert 200 == answer.status
        return str((await answer.json())["id"])


async def kill_one_after_the_other(relays: Sequence[Program]) -> None:
    """Kill one of them at random and start it again; now and then one that is still starting."""
    moments = random.Random(SEED)
    for number in range(1, KILLS + 1):
        victim = moments.choice(relays)
        if moments.random() < 0.8:
            await victim.is_ready()
        await asyncio.sleep(moments.uniform(0.05, 0.5))
        print(f"kill {number}: {victim.config.stem}")
        victim.kill()
        victim.start()
    for relay in relays:
        await relay.is_ready()


async def test_what_was_acknowledged_reaches_every_target_though_one_replica_after_the_other_is_killed(
    tmp_path: Path, storage: PostgresStorage, sink: Sink
) -> None:
    """Promises 1 to 3 over replicas: what a killed one carried another carries, and only that may come twice."""
    async with receiving() as slow, receiving() as failing:
        slow.takes_s = SLOW_S
        failing.fails = every(5)
        async with replicas(tmp_path, storage, all_to(fast=sink, slow=slow, failing=failing)) as relays:
            vendors = Vendors([relay.url for relay in relays])
            async with load(vendors):
                await kill_one_after_the_other(relays)
                await vendors.have_been_promised(300)
            await relays[0].is_settled()

            assert_kept(vendors.ledger, relays, fast=sink, slow=slow, failing=failing)


async def test_what_belongs_together_arrives_in_order_and_one_at_a_time_from_all_replicas(
    tmp_path: Path, storage: PostgresStorage
) -> None:
    """An ERP that hears of a rental by two replicas, and fails at random, hears of it as it happened."""
    witness = ordering.Witness(FAILING, random.Random(SEED))
    rentals = iter(range(RENTALS))
    async with receiving_by(witness.take) as url, session() as http:
        parts = {
            "sources": ordering.SOURCES,
            "targets": {"erp": ordering.target(url)},
            "routes": [{"from": "shop", "to": "erp"}],
        }
        async with replicas(tmp_path, storage, parts) as relays:
            urls = [relay.url for relay in relays]
            await asyncio.gather(*(ordering.tell(http, urls, rentals, EACH) for _ in range(TELLERS)))
            await relays[0].is_settled()

    print(f"{RENTALS * EACH:,} events, {witness.failures:,} failures")
    assert [] == witness.breaches[:5]
    assert dict.fromkeys(range(RENTALS), EACH) == witness.taken
    assert witness.failures > RENTALS


async def test_a_target_that_is_broken_for_one_replica_is_broken_for_all(
    tmp_path: Path, storage: PostgresStorage
) -> None:
    """Each counts what it sees; once one has seen enough, all of them leave the target alone."""
    down = {"url": f"http://127.0.0.1:{free_port()}/", "breaker": {"failures": 3, "probe": "1d", "probe_cap": "1d"}}
    async with replicas(tmp_path, storage, shop(erp=down)) as (first, second), session() as http:
        await post(http, first, 1)
        for relay in (first, second):
            await until_state_is(relay, "erp", 2)
        await post(http, second, 2)
        await until_state_is(second, "erp", 2)

        (_, tried), later = attempts(second)
        assert 3 <= tried <= 5  # two of them may have failed at the other one
        assert ("pending", 0) == later


async def test_a_pause_holds_for_all_replicas_until_it_is_lifted(
    tmp_path: Path, storage: PostgresStorage, sink: Sink
) -> None:
    """`relay targets pause` tells every replica, through the database alone."""
    async with (
        receiving() as witness,
        replicas(tmp_path, storage, shop(erp={"url": sink.url}, chat={"url": witness.url})) as relays,
        session() as http,
    ):
        assert 0 == (await run("targets", "pause", "erp", "-c", str(relays[0].config)))[0]
        for relay in relays:
            await until_state_is(relay, "erp", 3)
        sent = {await post(http, relay, number) for number, relay in enumerate(relays * 5)}
        await witness.counts(len(sent))
        while_paused = list(sink.arrivals)
        assert 0 == (await run("targets", "resume", "erp", "-c", str(relays[1].config)))[0]
        await sink.counts(len(sent))
        await relays[0].is_settled()

    assert [] == while_paused
    assert sorted(sent) == sorted(arrival.event_id for arrival in sink.arrivals)


async def test_a_rate_is_that_of_all_replicas_together(tmp_path: Path, storage: PostgresStorage, sink: Sink) -> None:
    """A vendor that counts by the hour counts the calls of all of them."""
    async with (
        receiving() as witness,
        replicas(tmp_path, storage, shop(erp={"url": sink.url, "rate": "10/1h"}, chat={"url": witness.url})) as relays,
        session() as http,
    ):
        sent = await asyncio.gather(*(post(http, relay, number) for number, relay in enumerate(relays * 30)))
        await witness.counts(len(sent))
        await sink.counts(10)
        await asyncio.gather(*(post(http, relay, 100 + number) for number, relay in enumerate(relays)))
        await witness.counts(len(sent) + len(relays))

        assert 10 == len(sink.arrivals)


async def test_in_no_period_more_is_granted_to_all_replicas_than_the_rate(
    tmp_path: Path, storage: PostgresStorage, sink: Sink
) -> None:
    """However a period is laid, by the replicas' clocks; the target's own count differs by what a call takes.

    What was granted is noted by the database itself, so that this depends on nobody's speed.
    """
    async with replicas(tmp_path, storage, shop(erp={"url": sink.url, "rate": "10/1s"})) as relays, session() as http:
        await storage.execute(NOTE_GRANTS)
        sent = await asyncio.gather(*(post(http, relay, number) for number, relay in enumerate(relays * 20)))
        await sink.counts(len(sent))
        crowded = relays[0].rows(CROWDED)
        granted = relays[0].rows("SELECT count(*) FROM public.granted")

    assert [] == crowded
    assert granted >= [(len(sent),)]


NOTE_GRANTS = """
    CREATE TABLE public.granted (at timestamptz);
    CREATE FUNCTION public.note_grant() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO public.granted VALUES (NEW.at); RETURN NULL; END';
    CREATE TRIGGER noted AFTER INSERT ON grants FOR EACH ROW EXECUTE FUNCTION public.note_grant()"""
CROWDED = """
    SELECT at, (SELECT count(*) FROM public.granted o WHERE o.at > g.at - interval '1 second' AND o.at <= g.at) AS many
    FROM public.granted g
    WHERE (SELECT count(*) FROM public.granted o WHERE o.at > g.at - interval '1 second' AND o.at <= g.at) > 10"""


def attempts(relay: Program) -> list[tuple[str, int]]:
    """Return status and number of attempts of each delivery, in order of arrival."""
    return relay.rows(
        "SELECT d.status, d.attempts FROM deliveries d JOIN events e ON e.seq = d.event_seq ORDER BY e.id"
    )
