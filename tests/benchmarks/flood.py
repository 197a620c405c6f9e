"""How long a genuine sender waits while strangers ask for all that a port gives: forgeries, and silence."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import processes
from tests.benchmarks.asking import answer
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.figures import percentile
from tests.benchmarks.latency import EVENTS_A_SECOND_OF_FLOW, SLOW_PER_S, latencies
from tests.benchmarks.load import BODY_BYTES
from tests.benchmarks.processes import SOURCE_PATH

FORGERS = 32  # connections, each of which sends again as soon as it is refused
SILENT = 128  # connections that say nothing; more of one address would not be let in beside the genuine ones
REFUSED = 401
FORGERY = (
    f"POST {SOURCE_PATH} HTTP/1.1\r\nHost: a\r\nX-Signature: {'0' * 64}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    f"{'x' * BODY_BYTES}"
).encode()
P99_MS_MAX = 1000.0


@dataclass
class Flood:
    """What the forgers have sent."""

    refused: int = 0


async def measure_flood(setting: Setting) -> Sequence[Reading]:
    """Measure genuine senders' answers, first alone and then in a flood."""
    count = round(SLOW_PER_S * setting.events / EVENTS_A_SECOND_OF_FLOW)
    with tempfile.TemporaryDirectory() as folder, processes.relay(processes.site(Path(folder), {})) as server:
        alone_ms = await latencies(server, count, SLOW_PER_S)
        quiet_bytes = server.peak_memory_bytes
        async with flooded(server.port) as flood:
            flooded_ms = await latencies(server, count, SLOW_PER_S)
        grown_bytes = server.peak_memory_bytes - quiet_bytes
    beside = {
        "p50 {:.1f} ms": percentile(flooded_ms, 50),
        "largest {:.1f} ms": max(flooded_ms),
        "alone p99 {:.1f} ms": percentile(alone_ms, 99),
        "{:,.0f} forgeries refused": flood.refused,
        "{:,.0f} MB more memory": grown_bytes / 1e6,
    }
    return [Reading(percentile(flooded_ms, 99), beside)]


@asynccontextmanager
async def flooded(port: int) -> AsyncIterator[Flood]:
    """Have a port flooded meanwhile."""
    flood = Flood()
    async with AsyncExitStack() as stack:
        for _ in range(SILENT):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
        forgers = [asyncio.create_task(_forge(port, flood)) for _ in range(FORGERS)]
        try:
            yield flood
        finally:
            for forger in forgers:
                forger.cancel()
            await asyncio.gather(*forgers, return_exceptions=True)


async def _forge(port: int, flood: Flood) -> None:
    """Send a forgery again and again, for ever. Errors: RuntimeError, where one is not refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        writer.write(FORGERY)
        status, _ = await answer(reader)
        if status != REFUSED:
            raise RuntimeError(f"a forgery was answered {status}")
        flood.refused += 1


BENCHMARKS = (
    Benchmark(
        "flood",
        (Row(f"ack p99 at {SLOW_PER_S:,}/s in a flood of forgeries", at_most(P99_MS_MAX, "{:.1f} ms")),),
        measure_flood,
    ),
)
