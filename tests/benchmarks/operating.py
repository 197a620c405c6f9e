"""What an operator asks where a million events are stored: every kind of question, over the admin port."""

import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from relay.domain import Refusal
from relay.store.sqlite.store import SqliteStore
from tests.admin import KNOWN, Client, Office
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.filling import Filling, fill
from tests.conftest import ManualClock
from tests.integration.journal import Journal

STORED = 1_000_000
BODY_BYTES = 1000
CALLS = 20
SECONDS_MAX = 900.0
QUESTIONS = (
    "events",
    "events?source=nobody",
    "events?type=nothing",
    "events?target=nowhere",
    "events?status=dead",
    "events?status=delivered&limit=500",
    "events?q=INV-3337",
    "events/count",
    "events/count?status=pending",
    "deliveries",
    "deliveries?target=erp&status=dead",
    "deliveries?target=nowhere",
    "deliveries?status=cancelled",
    "targets",
    "replays",
    f"rejections?reason={Refusal.MISMATCH.value}",
    "stats?minutes=1440",
    "sources",
    "config",
)


async def measure_operating(setting: Setting) -> Sequence[Reading]:
    """Ask every question again and again; tell the slowest kind's p95, and how much memory all of them took."""
    stored = min(STORED, setting.stored)
    database = setting.folder / f"asked-{stored}" / "relay.db"
    await fill(database, Filling(stored, ("erp",), body_bytes=BODY_BYTES))
    store = SqliteStore(database, "benchmark")
    await store.open()
    try:
        slowest, p95_ms, grown_mb = await _ask_all(store, database.parent)
    finally:
        await store.close()
    beside = {"{:,.0f} events stored": float(stored), f"the slowest: {slowest} ({{:.1f}} ms)": p95_ms}
    return [Reading(p95_ms, beside), Reading(grown_mb)]


async def _ask_all(store: SqliteStore, folder: Path) -> tuple[str, float, float]:
    office = Office(store, ManualClock(), Journal(), folder)
    async with office.open() as admin:
        await _p95_ms(admin, QUESTIONS[0])
        before_mb = _memory_mb()
        times_ms = {question: await _p95_ms(admin, question) for question in QUESTIONS}
        slowest = max(times_ms, key=times_ms.__getitem__)
        return slowest, times_ms[slowest], _memory_mb() - before_mb


async def _p95_ms(admin: Client, question: str) -> float:
    times_ms = []
    for _ in range(CALLS):
        began_s = time.perf_counter()
        answer = await admin.get(f"/api/v1/{question}", headers=KNOWN)
        await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{question}: {answer.status}")
        times_ms.append((time.perf_counter() - began_s) * 1000)
    return statistics.quantiles(times_ms, n=20)[-1]


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


BENCHMARKS = (
    Benchmark(
        "operating",
        (
            Row("the slowest call of the admin API with a million events stored, p95", at_most(200, "{:.0f} ms")),
            Row("memory that all of them take", at_most(50, "{:.0f} MB")),
        ),
        measure_operating,
        SECONDS_MAX,
    ),
)
