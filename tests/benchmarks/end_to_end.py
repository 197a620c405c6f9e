"""From the first request until each target has everything: in one process, in two, and beside a dead target."""

from collections.abc import Sequence
from functools import partial

from tests.benchmarks import processes, steps
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_least, at_most
from tests.benchmarks.processes import DELIVER, RECEIVE
from tests.benchmarks.steps import Figures

TWO_TARGETS = ("erp", "archive")
ONE_TARGET = ("erp",)


async def measure_one_process(setting: Setting) -> Sequence[Reading]:
    """Measure two targets in one process: how fast, and at which cost."""
    bare = await steps.bare(setting.events)
    carried = await steps.end_to_end(setting.events, TWO_TARGETS)
    return [_reading(carried, bare), Reading(carried.cpu_us, {"bare {:.0f} µs": bare.cpu_us})]


async def measure_two_processes(setting: Setting, names: Sequence[str]) -> Sequence[Reading]:
    """Measure one process that receives and one that delivers, on one database."""
    processes.require_roles()
    bare = await steps.bare(setting.events)
    return [_reading(await steps.end_to_end(setting.events, names, (RECEIVE, DELIVER)), bare)]


async def measure_black_hole(setting: Setting) -> Sequence[Reading]:
    """Measure two healthy targets alone, and while a third one takes connections and never answers."""
    alone = await steps.end_to_end(setting.events, TWO_TARGETS)
    with processes.ours("hole") as hole:
        await hole.listens()
        also = {"hole": f"http://127.0.0.1:{hole.port}/"}
        beside_it = await steps.end_to_end(setting.events, TWO_TARGETS, also=also)
    beside = {"{:,.0f}/s": beside_it.per_s, "alone {:,.0f}/s": alone.per_s}
    return [Reading(beside_it.per_s / alone.per_s, beside)]


def _reading(carried: Figures, bare: Figures) -> Reading:
    beside = {
        "{:,.0f}/s": carried.per_s,
        "ack p50 {:.1f} ms": carried.p50_ms,
        "p99 {:.1f} ms": carried.p99_ms,
        "CPU {:.0f} µs/event": carried.cpu_us,
        "bare {:,.0f}/s": bare.per_s,
    }
    return Reading(carried.per_s / bare.per_s, beside)


BENCHMARKS = (
    Benchmark(
        "end-to-end",
        (
            Row("end to end ÷ bare: two targets, one process", at_least(0.12)),
            Row("CPU of ingest and two deliveries, an event, one process", at_most(350, "{:.0f} µs")),
        ),
        measure_one_process,
    ),
    Benchmark(
        "two-processes",
        (Row("end to end ÷ bare: two targets, two processes", at_least(0.16)),),
        partial(measure_two_processes, names=TWO_TARGETS),
    ),
    Benchmark(
        "one-target",
        (Row("end to end ÷ bare: one target, two processes", at_least(0.20)),),
        partial(measure_two_processes, names=ONE_TARGET),
    ),
    Benchmark(
        "black-hole",
        (Row("two healthy targets beside one that never answers ÷ without it", at_least(0.9)),),
        measure_black_hole,
    ),
)
