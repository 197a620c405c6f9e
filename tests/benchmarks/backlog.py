"""A large backlog: how soon the relay is ready, how much memory it takes, and whether claiming stays as quick."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from relay.domain import Delivery, Lease
from relay.store.protocol import Store
from relay.store.sqlite.store import SqliteStore
from tests.benchmarks import processes
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.filling import Filling, fill
from tests.benchmarks.load import BODY_BYTES

TARGETS = ("erp", "archive")
PENDING, FEW_PENDING = 1_000_000, 10_000
SETTLE_S = 5.0  # after it is ready: what it claims then is part of what it takes
CLAIMS, CLAIM_ROWS, CLAIM_BYTES_MAX = 40, 100, 64 * 1024 * 1024
WORKER = "benchmark"
LEASE = timedelta(minutes=10)
SECONDS_MAX = 400.0


async def measure_backlog(setting: Setting) -> Sequence[Reading]:
    """Measure claims at few and at many pending deliveries, then a start with many, to targets that never answer."""
    pending = min(PENDING, setting.stored)
    few = await _database(setting.folder, FEW_PENDING)
    many = await _database(setting.folder, pending)
    few_ms, many_ms = [await claims_ms(SqliteStore(database, WORKER), TARGETS) for database in (few, many)]
    ready_s, memory_mb = await _start(many.parent)
    how_many = {"{:,.0f} pending": pending}
    claim_ms = statistics.median(many_ms)
    few_claim_ms = statistics.median(few_ms)
    return [
        Reading(ready_s, how_many),
        Reading(memory_mb, how_many),
        Reading(claim_ms, {**how_many, "the slowest {:.1f} ms": max(many_ms)}),
        Reading(claim_ms / few_claim_ms, {"{:.2f} ms at 10,000": few_claim_ms}),
    ]


async def _database(folder: Path, pending: int) -> Path:
    database = folder / f"pending-{pending}" / "relay.db"
    events = pending // len(TARGETS)
    await fill(database, Filling(events, TARGETS, is_finished=False, body_bytes=BODY_BYTES))
    return database


async def claims_ms(store: Store, targets: Sequence[str]) -> list[float]:
    """Claim a hundred deliveries again and again, others each time; return how long each took, and give all back."""
    await store.open()
    try:
        held: list[Delivery] = []
        durations_ms = [await _claim_ms(store, targets[turn % len(targets)], held) for turn in range(CLAIMS)]
        await store.release(held)
    finally:
        await store.close()
    return durations_ms


async def _claim_ms(store: Store, target: str, held: list[Delivery]) -> float:
    now = datetime.now(UTC)
    began_s = time.perf_counter()
    claimed = await store.claim(target, Lease(WORKER, now + LEASE), now, CLAIM_ROWS, CLAIM_BYTES_MAX)
    took_ms = (time.perf_counter() - began_s) * 1000
    if len(claimed) != CLAIM_ROWS:
        raise RuntimeError(f"{CLAIM_ROWS} deliveries were to be claimed, and {len(claimed)} were")
    held += claimed
    return took_ms


async def _start(folder: Path) -> tuple[float, float]:
    """Start a relay; return the seconds until it is ready, and its memory at most, in MB."""
    with processes.ours("hole") as hole:
        await hole.listens()
        at = processes.site(folder, {name: f"http://127.0.0.1:{hole.port}/{name}" for name in TARGETS})
        began_s = time.perf_counter()
        with processes.relay(at) as server:
            await server.is_ready()
            ready_s = time.perf_counter() - began_s
            await asyncio.sleep(SETTLE_S)
            return ready_s, server.peak_memory_bytes / 1e6


BENCHMARKS = (
    Benchmark(
        "backlog",
        (
            Row("start to ready with a large backlog", at_most(5, "{:.1f} s")),
            Row("memory (RSS) with it, all processes", at_most(200, "{:.0f} MB")),
            Row("a claim of 100 with it", at_most(2, "{:.2f} ms")),
            Row("the same ÷ with 10,000 pending", at_most(1.5, "{:.2f}")),
        ),
        measure_backlog,
        SECONDS_MAX,
    ),
)
