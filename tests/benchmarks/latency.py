"""How long a sender waits for its answer at a given rate, counted from when its request was due."""

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import processes
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import drive, signed_requests
from tests.benchmarks.open_loop import send_on_schedule
from tests.benchmarks.processes import SOURCE_PATH, Server
from tests.benchmarks.steps import CONNECTIONS, WARM_UP_EVENTS

EVENTS_A_SECOND_OF_FLOW = 2000  # a run of 10,000 events lets each flow last 5 s, whatever its rate
SLOW_PER_S, FAST_PER_S = 500, 4500


async def measure_latency(setting: Setting, per_s: int) -> Sequence[Reading]:
    """Measure the relay's answers, and a bare handler's: what the generator and the machine add by themselves."""
    count = round(per_s * setting.events / EVENTS_A_SECOND_OF_FLOW)
    with processes.ours("bare") as server:
        bare_ms = await latencies(server, count, per_s)
    with tempfile.TemporaryDirectory() as folder, processes.relay(processes.site(Path(folder), {})) as server:
        relay_ms = await latencies(server, count, per_s)
    beside = {
        "p50 {:.2f} ms": percentile(relay_ms, 50),
        "largest {:.1f} ms": max(relay_ms),
        "bare p50 {:.2f} ms": percentile(bare_ms, 50),
        "bare p99 {:.2f} ms": percentile(bare_ms, 99),
        "{:,.0f} requests": count,
    }
    return [Reading(percentile(relay_ms, 99), beside)]


async def latencies(server: Server, count: int, per_s: int) -> list[float]:
    """Warm a server up; then return the latency of each request of an even flow, in milliseconds."""
    await server.listens()
    await drive(server.port, signed_requests(WARM_UP_EVENTS, SOURCE_PATH), CONNECTIONS)
    requests = signed_requests(count, SOURCE_PATH)
    return await asyncio.to_thread(send_on_schedule, server.port, requests, per_s)


BENCHMARKS = tuple(
    Benchmark(
        f"latency-{per_s}",
        (Row(f"ack p99 at {per_s:,}/s, open loop", at_most(bound_ms, "{:.1f} ms")),),
        partial(measure_latency, per_s=per_s),
    )
    for per_s, bound_ms in ((SLOW_PER_S, 3), (FAST_PER_S, 10))
)
