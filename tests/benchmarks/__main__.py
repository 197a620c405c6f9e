"""What the relay costs beside a bare aiohttp handler: `python -m tests.benchmarks [--rounds N] [--events N]`.

Everything in one run, on two processors, over loopback: 2.4 KB signed bodies on 64 connections. The rounds are
interleaved and the medians printed, because one machine's speed differs more between minutes than two designs do.
Only the ratios travel to another machine.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.benchmarks import processes
from tests.benchmarks.load import BODY_BYTES, Measured, drive, signed_requests
from tests.benchmarks.processes import SOURCE_PATH, Server

CONNECTIONS = 64
PROCESSORS = 2
STEP_S_MAX = 150.0  # a step that hangs ends the run
WARM_UP_EVENTS = 500

BARE, INGEST, END_TO_END = "bare aiohttp handler", "durable ingest", "end to end, two targets"
GOALS = {INGEST: 0.45, END_TO_END: 0.11}  # of the bare handler


@dataclass(frozen=True, slots=True)
class Result:
    """What one step of one round showed."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the server's processor time, an event


async def measure_bare(events: int) -> Result:
    """Measure what aiohttp does when it does nothing else."""
    with processes.bare() as server:
        return await _answered(server, events)


async def measure_ingest(events: int) -> Result:
    """Measure until each event is durable and acknowledged; nobody receives it."""
    with tempfile.TemporaryDirectory() as folder, processes.relay(Path(folder), {}) as server:
        return await _answered(server, events)


async def measure_end_to_end(events: int) -> Result:
    """Measure from the first request until both targets have everything."""
    with processes.sink() as sink, tempfile.TemporaryDirectory() as folder:
        targets = {name: f"http://127.0.0.1:{sink.port}/{name}" for name in ("erp", "archive")}
        await sink.listens()
        with processes.relay(Path(folder), targets) as server:
            await _warm_up(server)
            await _has_got(sink, len(targets) * WARM_UP_EVENTS)
            loop, cpu_before_s = asyncio.get_running_loop(), server.cpu_s
            began_s = loop.time()
            measured = await _drive(server, events)
            await _has_got(sink, len(targets) * (WARM_UP_EVENTS + events))
            return _result(measured, events, loop.time() - began_s, server.cpu_s - cpu_before_s)


async def _answered(server: Server, events: int) -> Result:
    await _warm_up(server)
    cpu_before_s = server.cpu_s
    measured = await _drive(server, events)
    return _result(measured, events, measured.seconds, server.cpu_s - cpu_before_s)


async def _warm_up(server: Server) -> None:
    await server.listens()
    await drive(server.port, signed_requests(WARM_UP_EVENTS, SOURCE_PATH), CONNECTIONS)


async def _drive(server: Server, events: int) -> Measured:
    requests = signed_requests(events, SOURCE_PATH, first=WARM_UP_EVENTS)
    measured = await drive(server.port, requests, CONNECTIONS)
    if measured.statuses != {b"200": events}:
        raise RuntimeError(f"not every event was answered 200: {measured.statuses}")
    return measured


async def _has_got(sink: Server, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
    try:
        while await _count(reader, writer) < count:
            await asyncio.sleep(0.005)
    finally:
        writer.close()


async def _count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    writer.write(b"GET /count HTTP/1.1\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    return int(await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])))


def _result(measured: Measured, events: int, seconds: float, cpu_s: float) -> Result:
    return Result(events / seconds, measured.percentile_ms(50), measured.percentile_ms(99), cpu_s / events * 1_000_000)


STEPS = {BARE: measure_bare, INGEST: measure_ingest, END_TO_END: measure_end_to_end}


async def measure(rounds: int, events: int) -> dict[str, list[Result]]:
    """Run every step once a round, so that each meets the machine in the same moods."""
    results: dict[str, list[Result]] = {name: [] for name in STEPS}
    for number in range(1, rounds + 1):
        for name, step in STEPS.items():
            print(f"round {number} of {rounds}: {name}", file=sys.stderr)
            async with asyncio.timeout(STEP_S_MAX):
                results[name].append(await step(events))
    return results


def report(results: dict[str, list[Result]]) -> str:
    """Draw the table."""
    heads = ("", "events/s", "of bare", "goal", "ack p50 ms", "p99 ms", "CPU µs/event")
    lines = [_line(heads), "-" * len(_line(heads))]
    bare_per_s = [result.per_s for result in results[BARE]]
    for name, rounds in results.items():
        ratio = statistics.median(result.per_s / bare for result, bare in zip(rounds, bare_per_s, strict=True))
        goal = f"{GOALS[name]:.2f}" if name in GOALS else ""
        per_s = statistics.median(result.per_s for result in rounds)
        p50_ms = statistics.median(result.p50_ms for result in rounds)
        p99_ms = statistics.median(result.p99_ms for result in rounds)
        cpu_us = statistics.median(result.cpu_us for result in rounds)
        lines.append(
            _line((name, f"{per_s:,.0f}", f"{ratio:.2f}", goal, f"{p50_ms:.1f}", f"{p99_ms:.1f}", f"{cpu_us:.0f}"))
        )
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    first, *rest = cells
    return f"{first:<26}" + "".join(f"{cell:>13}" for cell in rest)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="What the relay costs.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds, of which medians are taken")
    parser.add_argument("--events", type=int, default=20_000, help="events in each step of a round")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    print(
        f"{options.events:,} events of {BODY_BYTES / 1000:.1f} KB, signed, on {CONNECTIONS} connections; "
        f"{len(os.sched_getaffinity(0))} processors; medians of {options.rounds} rounds\n"
    )
    print(report(uvloop.run(measure(options.rounds, options.events))))


if __name__ == "__main__":
    main()
