"""The same on PostgreSQL: how fast, with one replica and with two, and which part of the work is the database's."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from relay.store.postgres.store import PostgresStore
from tests.benchmarks import processes, steps, weighing
from tests.benchmarks.backlog import CLAIM_ROWS, FEW_PENDING, PENDING, SECONDS_MAX, WORKER, claims_ms
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_least, at_most, told
from tests.benchmarks.figures import percentile
from tests.benchmarks.filling_postgres import fill
from tests.benchmarks.load import BODY_BYTES, drive, signed_requests
from tests.benchmarks.placing import Place, anywhere, apart
from tests.benchmarks.processes import SOURCE_PATH
from tests.benchmarks.steps import CONNECTIONS, WARM_UP_EVENTS
from tests.postgres import Server, running

TARGETS = ("erp", "archive")
DATABASE = "relay"
VERSION = 18
# As durable as it comes: what the tests turn off is on here.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one step showed; processor time is an event's."""

    per_s: float
    latencies_ms: Sequence[float]
    relay_us: float
    database_us: float

    @property
    def cpu_us(self) -> float:
        """Return the processor time of all."""
        return self.relay_us + self.database_us


async def measure_ingest(setting: Setting) -> Sequence[Reading]:
    """Measure durable ingest by one replica; nobody receives it. Then again, with a processor for each server."""
    bare, ours = await steps.bare(setting.events), await _measure(setting.events, ())
    with apart() as place:
        bare_apart = await steps.bare(setting.events, place=place)
        ours_apart = await _measure(setting.events, (), place=place)
    return [_ingested(ours, bare), _ingested(ours_apart, bare_apart)]


def _ingested(ours: Figures, bare: steps.Figures) -> Reading:
    beside = {
        "{:,.0f}/s": ours.per_s,
        "ack p50 {:.1f} ms": percentile(ours.latencies_ms, 50),
        "p99 {:.1f} ms": percentile(ours.latencies_ms, 99),
        "CPU of the relay {:.0f} µs/event": ours.relay_us,
        "of the database {:.0f} µs": ours.database_us,
        "bare {:,.0f}/s": bare.per_s,
    }
    return Reading(ours.per_s / bare.per_s, beside)


async def measure_replicas(setting: Setting) -> Sequence[Reading]:
    """Measure until two targets have everything, from one replica and from two."""
    one = await _measure(setting.events, TARGETS)
    two = await _measure(setting.events, TARGETS, replicas=2)
    both = {
        "{:,.0f}/s": two.per_s,
        "one {:,.0f}/s": one.per_s,
        "CPU of the relays {:.0f} µs/event": two.relay_us,
        "of the database {:.0f} µs": two.database_us,
    }
    split = {"relay {:.0f} µs": one.relay_us, "database {:.0f} µs": one.database_us}
    return [Reading(two.per_s / one.per_s, both), Reading(one.cpu_us, split)]


async def measure_backlog(setting: Setting) -> Sequence[Reading]:
    """Measure claims at few and at many pending deliveries."""
    few_ms = await _claims_ms(FEW_PENDING)
    pending = min(PENDING, setting.stored)
    many_ms = await _claims_ms(pending)
    claim_ms, few_claim_ms = statistics.median(many_ms), statistics.median(few_ms)
    how_many = {"{:,.0f} pending": pending, "the slowest {:.1f} ms": max(many_ms)}
    return [
        Reading(claim_ms, how_many),
        Reading(claim_ms / few_claim_ms, {"{:.2f} ms at 10,000": few_claim_ms}),
    ]


async def _claims_ms(pending: int) -> list[float]:
    with server() as database:
        url = database.url(DATABASE)
        await fill(url, pending // len(TARGETS), TARGETS, BODY_BYTES)
        return await claims_ms(PostgresStore(url, WORKER), TARGETS)


async def _measure(events: int, names: Sequence[str], replicas: int = 1, place: Place = anywhere) -> Figures:
    """Measure until each event is acknowledged, and every target has it. Each replica gets its share of the load.

    place: says where each of them runs.
    """
    with ExitStack() as stack:
        database = stack.enter_context(server())
        sink = stack.enter_context(processes.ours("sink"))
        await sink.listens()
        targets = {name: f"http://127.0.0.1:{sink.port}/{name}" for name in names}
        relays = [stack.enter_context(_replica(targets, database)) for _ in range(replicas)]
        for relay in relays:
            await relay.is_ready()
            place(relay)
        await _drive(relays, WARM_UP_EVENTS)
        await steps.has_got(sink, len(names) * WARM_UP_EVENTS)
        relay_s, database_s = _cpu_s(relays), _database_cpu_s(database)
        began_s = time.perf_counter()
        latencies_ms = await _drive(relays, events)
        await steps.has_got(sink, len(names) * (WARM_UP_EVENTS + events))
        seconds = time.perf_counter() - began_s
        relay_us = (_cpu_s(relays) - relay_s) / events * 1_000_000
        database_us = (_database_cpu_s(database) - database_s) / events * 1_000_000
        return Figures(events / seconds, latencies_ms, relay_us, database_us)


@contextmanager
def server() -> Iterator[Server]:
    """Run a server that keeps what it commits, with an empty database."""
    with running(processes.free_port(), VERSION, SETTINGS) as database:
        database.sql(f"CREATE DATABASE {DATABASE}")
        yield database


@contextmanager
def _replica(targets: dict[str, str], database: Server) -> Iterator[processes.Server]:
    with tempfile.TemporaryDirectory() as folder:
        at = processes.site(Path(folder), targets, url=database.url(DATABASE))
        with processes.relay(at) as relay:
            yield relay


async def _drive(relays: Sequence[processes.Server], events: int) -> list[float]:
    """Load all replicas at once; return every answer's latency in milliseconds."""
    shares = [signed_requests(events // len(relays), SOURCE_PATH) for _ in relays]
    shares[0] += signed_requests(events % len(relays), SOURCE_PATH)
    connections = CONNECTIONS // len(relays)
    measured = await asyncio.gather(
        *(drive(relay.port, share, connections) for relay, share in zip(relays, shares, strict=True))
    )
    return [latency_ms for each in measured for latency_ms in each.latencies_ms]


def _cpu_s(relays: Sequence[processes.Server]) -> float:
    return sum(relay.cpu_s for relay in relays)


def _database_cpu_s(database: Server) -> float:
    assert database.process is not None
    return weighing.cpu_s(database.process.pid)


BENCHMARKS = (
    Benchmark(
        "postgres-ingest",
        (
            Row("durable ingest on PostgreSQL ÷ a bare aiohttp handler, 64 connections", at_least(0.40)),
            Row("the same, relay and bare handler each with a processor to itself", told()),
        ),
        measure_ingest,
    ),
    Benchmark(
        "postgres-replicas",
        (
            Row("end to end on PostgreSQL, two targets: two replicas ÷ one, on two processors", told()),
            Row("CPU of ingest and two deliveries on PostgreSQL, an event, one replica", told("{:.0f} µs")),
        ),
        measure_replicas,
    ),
    Benchmark(
        "postgres-backlog",
        (
            Row(f"a claim of {CLAIM_ROWS} on PostgreSQL with a large backlog", told("{:.2f} ms")),
            Row("the same ÷ with 10,000 pending", at_most(1.5, "{:.2f}")),
        ),
        measure_backlog,
        SECONDS_MAX,
    ),
)
