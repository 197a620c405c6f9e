"""How fast events are accepted where millions are stored: their keys lie anywhere in a large index."""

import shutil
from collections.abc import Sequence

from tests.benchmarks import processes, steps
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_least
from tests.benchmarks.filling import Filling, fill

FEW_STORED = 10_000
SECONDS_MAX = 600.0


async def measure_stored(setting: Setting) -> Sequence[Reading]:
    """Measure durable ingest with few and with many events stored."""
    few, many = Filling(FEW_STORED), Filling(setting.stored)
    few_folder = setting.folder / "few-stored"
    many_folder = setting.folder / "many-stored"
    await fill(many_folder / "relay.db", many)
    await fill(few_folder / "relay.db", few)
    few_figures = await steps.ingest_at(processes.site(few_folder, {}), setting.events)
    shutil.rmtree(few_folder)  # the next round finds few again
    many_figures = await steps.ingest_at(processes.site(many_folder, {}), setting.events)
    beside = {
        "{:,.0f} stored (bodies of 16 bytes, no deliveries, keys all random digests)": setting.stored,
        "{:,.0f}/s": many_figures.per_s,
        "at 10,000 {:,.0f}/s": few_figures.per_s,
        "ack p99 {:.1f} ms": many_figures.p99_ms,
        "against {:.1f} ms": few_figures.p99_ms,
    }
    return [Reading(many_figures.per_s / few_figures.per_s, beside)]


BENCHMARKS = (
    Benchmark(
        "stored",
        (Row("durable ingest with many events stored ÷ with 10,000", at_least(0.8)),),
        measure_stored,
        SECONDS_MAX,
    ),
)
