"""What a sender notices of retention: how long it waits for its answer while old events are purged."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import processes
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.figures import percentile
from tests.benchmarks.filling import Filling, fill
from tests.benchmarks.latency import EVENTS_A_SECOND_OF_FLOW, latencies

PER_S = 1000
OLD_SHARE = 10  # old events, for each of a run: more than are purged while the load lasts
KEEP = "30d"
OLD_DAYS, OLDEST_DAYS = 35.0, 40.0


async def measure_retention(setting: Setting) -> Sequence[Reading]:
    """Measure answers with nothing to purge, and while events and keys of weeks ago are purged."""
    recent = Filling(setting.events * OLD_SHARE, ("erp",), body_bytes=1000)
    old = replace(recent, oldest_days=OLDEST_DAYS, newest_days=OLD_DAYS)
    count = round(PER_S * setting.events / EVENTS_A_SECOND_OF_FLOW)
    quiet_ms, _ = await _answers(setting.folder / "recent", recent, count)
    purging_ms, purged = await _answers(setting.folder / "old", old, count)
    if not 0 < purged < old.events:
        raise RuntimeError(f"{purged:,} of {old.events:,} old events were purged, so not during all of the load")
    beside = {
        "p99 {:.1f} ms while it purges": percentile(purging_ms, 99),
        "{:.1f} ms without": percentile(quiet_ms, 99),
        "p50 {:.1f} ms": percentile(purging_ms, 50),
        "against {:.1f} ms": percentile(quiet_ms, 50),
        "at {:,.0f}/s in an open loop": PER_S,
        "{:,.0f} purged": purged,
    }
    return [Reading(percentile(purging_ms, 99) / percentile(quiet_ms, 99), beside)]


async def _answers(folder: Path, filling: Filling, count: int) -> tuple[list[float], int]:
    """Load a relay with such a past; return its latencies in milliseconds, and how many events it purged by the end."""
    await fill(folder / "relay.db", filling)
    try:
        at = processes.site(folder, {}, keep=KEEP)
        with processes.relay(at) as server:
            taken_ms = await latencies(server, count, PER_S)
            return taken_ms, _oldest_seq(at.database) - 1
    finally:
        shutil.rmtree(folder)  # the next round finds as many to purge


def _oldest_seq(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        oldest: int = connection.execute("SELECT min(seq) FROM events").fetchone()[0]
        return oldest


BENCHMARKS = (
    Benchmark(
        "retention",
        (Row("ack p99 while retention purges ÷ without", at_most(1.5, "{:.2f}")),),
        measure_retention,
    ),
)
