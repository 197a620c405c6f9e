"""The main promise, against the real program: what was acknowledged arrives, whatever kills it and when."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.sink import Sink, receiving
from tests.acceptance.vendors import SOURCES, Vendors, every
from tests.storage import Storage

KILLS = 20
SENDERS = 6
SEED = 20260701
SETTLED_S_MAX = 60.0
RETRY = {"base": "100ms", "cap": "500ms", "max_age": "1h"}


@pytest.fixture
async def shaky() -> AsyncIterator[Sink]:
    async with receiving() as sink:
        sink.fails = every(7)
        yield sink


@asynccontextmanager
async def load(vendors: Vendors) -> AsyncIterator[None]:
    """Send while something happens, and afterwards until each begun event is acknowledged."""
    async with session() as http, asyncio.TaskGroup() as senders:
        for number in range(SENDERS):
            senders.create_task(vendors.send_until_over(http, number))
        try:
            yield
        finally:
            vendors.finish()


def all_to(*sinks: Sink) -> dict[str, object]:
    targets = {
        f"target-{number}": {"url": sink.url, "allow_private": True, "retry": RETRY}
        for number, sink in enumerate(sinks, 1)
    }
    return {"sources": SOURCES, "targets": targets, "routes": [{"from": list(SOURCES), "to": list(targets)}]}


async def kill_at_random_moments(program: Program) -> None:
    """Kill and start again; now and then while it is still starting."""
    moments = random.Random(SEED)
    for number in range(1, KILLS + 1):
        if moments.random() < 0.8:
            await program.is_ready()
        after_s = moments.uniform(0.02, 0.6)
        await asyncio.sleep(after_s)
        print(f"kill {number}: {after_s:.3f} s later")
        program.kill()
        program.start()
    await program.is_ready()


def missing_from(sink: Sink, promised: set[tuple[str, str]]) -> list[tuple[str, str]]:
    arrived = {(arrival.event_id, arrival.digest) for arrival in sink.arrivals}
    return sorted(promised - arrived)[:5]


async def test_what_was_acknowledged_reaches_both_targets_though_the_relay_is_killed_again_and_again(
    tmp_path: Path, storage: Storage, sink: Sink, shaky: Sink
) -> None:
    """Promises 1 to 3: acknowledged means stored, stored means delivered, and a repeat is the same event."""
    vendors = Vendors([""])
    async with started(configured(tmp_path, all_to(sink, shaky), storage=storage)) as program:
        vendors.urls = [program.url]
        async with load(vendors):
            await kill_at_random_moments(program)
        await program.is_settled(SETTLED_S_MAX)
        unfinished = program.rows("SELECT status, count(*) FROM deliveries WHERE status <> 'delivered' GROUP BY 1")

    ledger = vendors.ledger
    print(
        f"seed {SEED}: {KILLS} kills, {len(ledger.promised):,} acknowledged, {ledger.unanswered:,} unanswered, "
        f"doubled deliveries {sink.doubled} and {shaky.doubled}"
    )
    assert len(ledger.promised) > 300
    assert ledger.statuses.keys() <= {200, 503}
    assert [] == missing_from(sink, ledger.promised)
    assert [] == missing_from(shaky, ledger.promised)
    assert {} == ledger.named_twice
    assert {} == sink.named_twice | shaky.named_twice
    assert [] == unfinished


async def test_two_processes_on_one_database_share_the_work_and_lose_nothing(
    tmp_path: Path, storage: Storage, sink: Sink, shaky: Sink
) -> None:
    """A second process may be started beside the first at any time, behind the same load balancer."""
    parts = all_to(sink, shaky)
    async with (
        started(configured(tmp_path, parts, name="first", storage=storage)) as first,
        started(configured(tmp_path, parts, name="second", storage=storage)) as second,
    ):
        vendors = Vendors([first.url, second.url])
        async with load(vendors), asyncio.timeout(30):
            while len(vendors.ledger.ids) < 400:
                await asyncio.sleep(0.01)
        await first.is_settled(SETTLED_S_MAX)
        unfinished = first.rows("SELECT status, count(*) FROM deliveries WHERE status <> 'delivered' GROUP BY 1")

    assert {200} == vendors.ledger.statuses.keys()
    assert [] == missing_from(sink, vendors.ledger.promised)
    assert [] == missing_from(shaky, vendors.ledger.promised)
    assert {} == vendors.ledger.named_twice | sink.named_twice | shaky.named_twice
    assert 0 == sink.doubled + shaky.doubled
    assert [] == unfinished
