"""How fast the relay is, beside its goals: `python -m tests.benchmarks [--only NAME …] [--write docs/performance.md]`.

Everything in one run, on two processors, over loopback. The rounds are interleaved and the medians printed, because one
machine's speed differs more between minutes than two designs do. Only the ratios travel to another machine.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.benchmarks import (
    backlog,
    big_bodies,
    end_to_end,
    flood,
    ingest,
    latency,
    operating,
    others,
    postgres,
    report,
    retention,
    stored,
)
from tests.benchmarks.benchmark import Benchmark, NotMeasured, Outcome, Setting
from tests.benchmarks.load import BODY_BYTES

PROCESSORS = 2

BENCHMARKS: tuple[Benchmark, ...] = (
    *ingest.BENCHMARKS,
    *latency.BENCHMARKS,
    *flood.BENCHMARKS,
    *end_to_end.BENCHMARKS,
    *backlog.BENCHMARKS,
    *stored.BENCHMARKS,
    *big_bodies.BENCHMARKS,
    *retention.BENCHMARKS,
    *operating.BENCHMARKS,
    *postgres.BENCHMARKS,
    *others.BENCHMARKS,
)


async def measure(benchmarks: Sequence[Benchmark], setting: Setting, rounds: int) -> dict[str, Outcome]:
    """Run every benchmark once a round, so that each meets the machine in the same moods."""
    _end_by_sigterm()
    outcomes = {benchmark.name: Outcome() for benchmark in benchmarks}
    for number in range(1, rounds + 1):
        for benchmark in benchmarks:
            outcome = outcomes[benchmark.name]
            if not outcome.is_impossible:
                print(f"round {number} of {rounds}: {benchmark.name}", file=sys.stderr, flush=True)
                await _measure_once(benchmark, setting, outcome)
    return outcomes


async def _measure_once(benchmark: Benchmark, setting: Setting, outcome: Outcome) -> None:
    try:
        async with asyncio.timeout(benchmark.seconds_max):
            outcome.rounds.append(await benchmark.measure(setting))
    except NotMeasured as missing:
        outcome.faults.append(str(missing))
        outcome.is_impossible = True
    except Exception as fault:  # noqa: BLE001 - it is told in the table; the others are measured all the same
        outcome.faults.append(f"{type(fault).__name__} {fault}")


def _end_by_sigterm() -> None:
    """Take a SIGTERM as the end of this task, so that what was started is ended and what was made is removed."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def main() -> None:
    """Measure, print, and write where it is wished."""
    options = _options()
    if options.list:
        print("\n".join(f"{benchmark.name:<16} {row.what}" for benchmark in BENCHMARKS for row in benchmark.rows))
        return
    chosen = [benchmark for benchmark in BENCHMARKS if not options.only or benchmark.name in options.only]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    try:
        measured = _measured(chosen, options)
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit("stopped; nothing is left running")
    print(measured)
    if options.write:
        options.write.write_text(report.replaced(options.write.read_text(), measured))


def _measured(chosen: Sequence[Benchmark], options: argparse.Namespace) -> str:
    """Return the table, and above it how it came about."""
    with tempfile.TemporaryDirectory(prefix="relay-benchmarks-") as folder:
        size = f"medians of {options.rounds} rounds of {options.events:,} signed events of {BODY_BYTES / 1000:.1f} KB"
        told = report.circumstances(sys.argv[1:], size, Path(folder), datetime.now(UTC).date())
        setting = Setting(Path(folder), options.events, options.stored)
        outcomes = uvloop.run(measure(chosen, setting, options.rounds))
    return f"{told}\n\n{report.table(outcomes, chosen)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="What the relay costs.")
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--rounds", type=_count, default=3, help="interleaved rounds, of which medians are taken (3)")
    parser.add_argument("--events", type=_count, default=10_000, help="events in each step of a round (10000)")
    parser.add_argument(
        "--stored", type=_count, default=5_000_000, help="events stored before, where many are (5000000)"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help="measure only these")
    parser.add_argument("--list", action="store_true", help="show what there is to measure, and stop")
    parser.add_argument("--write", type=_page, metavar="PAGE", help="put the table into this page, too")
    return parser.parse_args()


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return count


def _page(text: str) -> Path:
    """Take a page that has room for the table: said now, not after a quarter of an hour."""
    page = Path(text)
    try:
        report.require_page(page)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return page


if __name__ == "__main__":
    main()
