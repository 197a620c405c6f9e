"""The open loop against a real socket: every request is sent and answered, and a refusal is no answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.benchmarks.load import signed_requests
from tests.benchmarks.open_loop import CONNECTIONS, send_on_schedule

COUNT = 2 * CONNECTIONS  # more than there are connections
PER_S = 100_000.0


class Answers(asyncio.Protocol):
    """Answers each piece that arrives; a request of ours is one or two."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.endswith(b'"}'):
            self._buffer = b""
            self._transport.write(self._answer)


@asynccontextmanager
async def serving(protocol: Callable[[], asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, backlog=CONNECTIONS)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_every_request_has_its_latency() -> None:
    """Those that found no free connection, too."""
    async with serving(lambda: Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as port:
        latencies_ms = await asyncio.to_thread(send_on_schedule, port, signed_requests(COUNT, "/"), PER_S)

    assert COUNT == len(latencies_ms)
    assert all(latency_ms > 0 for latency_ms in latencies_ms)


async def test_a_refusal_is_no_answer() -> None:
    """A server that turns everyone away at once has no latency."""
    async with serving(lambda: Answers(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as port:
        with pytest.raises(RuntimeError, match="503"):
            await asyncio.to_thread(send_on_schedule, port, signed_requests(1, "/"), PER_S)
