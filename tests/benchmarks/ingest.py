"""Durable ingest beside a bare aiohttp handler, on this disk and on a slow one."""

from collections.abc import Sequence

from tests.benchmarks import steps
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_least
from tests.benchmarks.slow_fsync import slowed
from tests.benchmarks.steps import Figures

SLOW_US = 5000
SLOW_CONNECTIONS = 256


async def measure_ingest(setting: Setting) -> Sequence[Reading]:
    """Measure durable ingest on the disk as it is."""
    bare = await steps.bare(setting.events)
    return [_reading(await steps.ingest(setting.events), bare)]


async def measure_slow_disk(setting: Setting) -> Sequence[Reading]:
    """Measure durable ingest where each fsync takes 5 ms longer, as on ordinary cloud disks."""
    environment = slowed(setting.folder, SLOW_US)
    bare = await steps.bare(setting.events, SLOW_CONNECTIONS)
    return [_reading(await steps.ingest(setting.events, SLOW_CONNECTIONS, environment), bare)]


def _reading(ingest: Figures, bare: Figures) -> Reading:
    beside = {
        "{:,.0f}/s": ingest.per_s,
        "ack p50 {:.1f} ms": ingest.p50_ms,
        "p99 {:.1f} ms": ingest.p99_ms,
        "CPU {:.0f} µs/event": ingest.cpu_us,
        "bare {:,.0f}/s": bare.per_s,
        "bare CPU {:.0f} µs/event": bare.cpu_us,
    }
    return Reading(ingest.per_s / bare.per_s, beside)


BENCHMARKS = (
    Benchmark(
        "ingest",
        (Row("durable ingest ÷ a bare aiohttp handler, 64 connections", at_least(0.50)),),
        measure_ingest,
    ),
    Benchmark(
        "slow-disk",
        (Row("durable ingest ÷ bare, 5 ms longer fsync, 256 connections", at_least(0.33)),),
        measure_slow_disk,
    ),
)
