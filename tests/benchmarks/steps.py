"""What several benchmarks do: load a server until it has answered, or until its targets have everything."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import processes
from tests.benchmarks.asking import Streams, ask_again
from tests.benchmarks.load import Measured, drive, signed_requests
from tests.benchmarks.placing import Place, anywhere
from tests.benchmarks.processes import ALL, SOURCE_PATH, Server, Site

CONNECTIONS = 64
WARM_UP_EVENTS = 500
LOOK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Figures:
    """What one step showed."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the servers' processor time, an event


async def bare(events: int, connections: int = CONNECTIONS, place: Place = anywhere) -> Figures:
    """Measure what aiohttp does when it does nothing else. place: says where the server runs."""
    with processes.ours("bare") as server:
        await server.listens()
        place(server)
        return await acknowledged(server, events, connections)


async def ingest(events: int, connections: int = CONNECTIONS, environment: Mapping[str, str] | None = None) -> Figures:
    """Measure until each event is durable and acknowledged, in a new database; nobody receives it."""
    with tempfile.TemporaryDirectory() as folder:
        return await ingest_at(processes.site(Path(folder), {}), events, connections, environment)


async def ingest_at(
    at: Site, events: int, connections: int = CONNECTIONS, environment: Mapping[str, str] | None = None
) -> Figures:
    """Do as `ingest`, with the configuration and the database that are there."""
    with processes.relay(at, environment=environment) as server:
        return await acknowledged(server, events, connections)


async def acknowledged(
    server: Server, events: int, connections: int = CONNECTIONS, warm_up_events: int = WARM_UP_EVENTS
) -> Figures:
    """Measure until a server has answered every event."""
    await server.listens()
    await drive(server.port, signed_requests(warm_up_events, SOURCE_PATH), connections)
    requests = signed_requests(events, SOURCE_PATH)
    cpu_before_s = server.cpu_s
    measured = await drive(server.port, requests, connections)
    return _figures(measured, events, measured.seconds, server.cpu_s - cpu_before_s)


async def end_to_end(
    events: int, names: Sequence[str], roles: Sequence[str] = (ALL,), also: Mapping[str, str] | None = None
) -> Figures:
    """Measure from the first request until all targets have everything. roles: one process each.

    also: further targets by name and URL, which get every event too, and are not waited for.
    """
    with ExitStack() as stack:
        sink = stack.enter_context(processes.ours("sink"))
        await sink.listens()
        targets = {name: f"http://127.0.0.1:{sink.port}/{name}" for name in names} | dict(also or {})
        at = processes.site(Path(stack.enter_context(tempfile.TemporaryDirectory())), targets)
        relays = [stack.enter_context(processes.relay(at, role)) for role in roles]
        for relay in relays:
            await relay.listens()
        return await _carried(relays, sink, events, len(names))


async def _carried(relays: Sequence[Server], sink: Server, events: int, copies: int) -> Figures:
    """Measure until the sink has as many copies of each event. relays: the first one receives."""
    await drive(relays[0].port, signed_requests(WARM_UP_EVENTS, SOURCE_PATH), CONNECTIONS)
    await has_got(sink, copies * WARM_UP_EVENTS)
    requests = signed_requests(events, SOURCE_PATH)
    cpu_before_s = sum(relay.cpu_s for relay in relays)
    began_s = time.perf_counter()
    measured = await drive(relays[0].port, requests, CONNECTIONS)
    await has_got(sink, copies * (WARM_UP_EVENTS + events))
    seconds = time.perf_counter() - began_s
    return _figures(measured, events, seconds, sum(relay.cpu_s for relay in relays) - cpu_before_s)


async def has_got(sink: Server, count: int) -> None:
    """Come back once the sink has received so many deliveries."""
    streams = await asyncio.open_connection("127.0.0.1", sink.port)
    try:
        while await _received(streams) < count:
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        streams[1].close()


async def _received(streams: Streams) -> int:
    _, body = await ask_again(streams, "/count")
    return int(body)


def _figures(measured: Measured, events: int, seconds: float, cpu_s: float) -> Figures:
    return Figures(events / seconds, measured.percentile_ms(50), measured.percentile_ms(99), cpu_s / events * 1_000_000)
