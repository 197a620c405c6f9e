"""Durable ingest beside what others do: a webhook server that stores nothing, and a transaction for each request."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks import processes, steps
from tests.benchmarks.benchmark import Benchmark, NotMeasured, Reading, Row, Setting, at_least
from tests.benchmarks.ingest import SLOW_CONNECTIONS, SLOW_US
from tests.benchmarks.load import SECRET
from tests.benchmarks.slow_fsync import slowed
from tests.benchmarks.steps import Figures

NAIVE_SHARE = 50  # at some 30 a second, it cannot be asked for as many
NAIVE_EVENTS_MIN, NAIVE_WARM_UP_EVENTS = 50, 5


async def measure_webhook(setting: Setting) -> Sequence[Reading]:
    """Measure adnanh/webhook, which proves a request, starts /bin/true and stores nothing."""
    program = shutil.which("webhook")
    if program is None:
        raise NotMeasured("`webhook` is not installed (apt-get install webhook)")
    ours = await steps.ingest(setting.events)
    theirs = await _webhook(program, setting.events)
    beside = {
        "{:,.0f}/s": ours.per_s,
        "webhook {:,.0f}/s": theirs.per_s,
        "its ack p99 {:.1f} ms": theirs.p99_ms,
        "its CPU {:.0f} µs/event": theirs.cpu_us,
    }
    return [Reading(ours.per_s / theirs.per_s, beside)]


async def _webhook(program: str, events: int) -> Figures:
    port = processes.free_port()
    with tempfile.TemporaryDirectory() as folder:
        hooks = Path(folder) / "hooks.json"
        hooks.write_text(json.dumps([_hook()]))
        listening = ("-ip", "127.0.0.1", "-port", str(port), "-urlprefix", "in")
        with processes.running(program, "-hooks", str(hooks), *listening, port=port) as server:
            return await steps.acknowledged(server, events)


def _hook() -> dict[str, object]:
    signature = {"source": "header", "name": "X-Signature"}
    return {
        "id": "shop",
        "execute-command": shutil.which("true"),
        "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": SECRET, "parameter": signature}},
        "trigger-rule-mismatch-http-response-code": 403,
    }


async def measure_one_transaction(setting: Setting) -> Sequence[Reading]:
    """Measure a handler that commits each request by itself, in SQLite as it comes; and in WAL mode, beside."""
    environment = slowed(setting.folder, SLOW_US)
    ours = await steps.ingest(setting.events, SLOW_CONNECTIONS, environment)
    naive = await _naive(setting.events, "delete", environment)
    in_wal_mode = await _naive(setting.events, "wal", environment)
    beside = {
        "{:,.0f}/s": ours.per_s,
        "naive {:,.0f}/s with SQLite's default journal": naive.per_s,
        "{:,.0f}/s in WAL mode": in_wal_mode.per_s,
        "to which the ratio is {:.0f}": ours.per_s / in_wal_mode.per_s,
    }
    return [Reading(ours.per_s / naive.per_s, beside)]


async def _naive(events: int, journal: str, environment: Mapping[str, str]) -> Figures:
    count = max(NAIVE_EVENTS_MIN, events // NAIVE_SHARE)
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "naive.db")
        with processes.ours("naive", database, journal, environment=environment) as server:
            return await steps.acknowledged(server, count, SLOW_CONNECTIONS, NAIVE_WARM_UP_EVENTS)


BENCHMARKS = (
    Benchmark(
        "webhook",
        (Row("durable ingest ÷ adnanh/webhook, which stores nothing", at_least(2)),),
        measure_webhook,
    ),
    Benchmark(
        "one-transaction",
        (Row("durable ingest ÷ a transaction for each request, 5 ms longer fsync", at_least(100, "{:.0f}")),),
        measure_one_transaction,
    ),
)
