"""Bodies of 50 MB, in and out: whether others are held up meanwhile, and how much memory they take."""

import asyncio
import hashlib
import hmac
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks import processes, steps
from tests.benchmarks.asking import ask_again
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.load import SECRET, answered
from tests.benchmarks.processes import SOURCE_PATH, Server

BODY_BYTES = 50 * 1000 * 1000
BODIES = 6  # one after the other, each once the last is delivered
LOOK_EVERY_S = 0.002


async def measure_big_bodies(setting: Setting) -> Sequence[Reading]:
    """Measure the longest that a small request waits while large ones are received, stored and delivered."""
    requests = [_signed(number) for number in range(BODIES)]
    with processes.ours("sink") as sink, tempfile.TemporaryDirectory() as folder:
        await sink.listens()
        at = processes.site(Path(folder), {"erp": f"http://127.0.0.1:{sink.port}/erp"}, max_body="60MiB")
        with processes.relay(at) as server:
            await server.is_ready()
            idle_bytes = server.peak_memory_bytes
            async with _watched(server) as waits_ms:
                for number, request in enumerate(requests, 1):
                    await _post(server, request)
                    await steps.has_got(sink, number)
            copies = (server.peak_memory_bytes - idle_bytes) / BODY_BYTES
    how_many = {"{:,.0f} bodies": BODIES}
    return [Reading(max(waits_ms), {**how_many, "{:,.0f} looks": len(waits_ms)}), Reading(copies, how_many)]


def _signed(number: int) -> bytes:
    body = number.to_bytes(4, "big") * (BODY_BYTES // 4)
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST {SOURCE_PATH} HTTP/1.1\r\nHost: localhost\r\nX-Signature: {signature}\r\nConnection: close\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _post(server: Server, request: bytes) -> None:
    """Send in a thread of its own: what is measured is the relay's loop, not ours."""
    if await asyncio.to_thread(_posted, server.port, request) != b"200":
        raise RuntimeError("a large body was not accepted")


def _posted(port: int, request: bytes) -> bytes:
    received = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        while (answer := answered(received)) is None and (piece := connection.recv(65536)):
            received += piece
    return answer[0] if answer else b""


@asynccontextmanager
async def _watched(server: Server) -> AsyncIterator[list[float]]:
    """Ask again and again whether the process lives; tell how long each answer took, in milliseconds."""
    waits_ms: list[float] = []
    streams = await asyncio.open_connection("127.0.0.1", server.port)

    async def look() -> None:
        while True:
            began_s = time.perf_counter()
            await ask_again(streams, "/healthz")
            waits_ms.append((time.perf_counter() - began_s) * 1000)
            await asyncio.sleep(LOOK_EVERY_S)

    looking = asyncio.create_task(look())
    try:
        yield waits_ms
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        streams[1].close()


BENCHMARKS = (
    Benchmark(
        "big-bodies",
        (
            Row("longest wait of a small request beside 50 MB bodies", at_most(50, "{:.0f} ms")),
            Row("memory they take, all processes, in bodies (about three)", at_most(3.5, "{:.1f}")),
        ),
        measure_big_bodies,
    ),
)
