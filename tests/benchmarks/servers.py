"""The servers of the benchmarks: `python -m tests.benchmarks.servers bare|sink PORT`.

bare: what aiohttp can do when it does nothing else: the body is read and answered. sink: a receiver of deliveries
that costs next to nothing, so that what is measured is the relay.
"""

import asyncio
import sys
from typing import cast

import uvloop
from aiohttp import web


async def _read_and_answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=b'{"status":"accepted"}', content_type="application/json")


async def bare(port: int) -> None:
    """Serve the bare handler."""
    application = web.Application()
    application.router.add_post("/in/{source}", _read_and_answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


class Sink(asyncio.Protocol):
    """Answers 200 to each request; knows just enough HTTP to tell where one ends. `GET /count` tells how many."""

    received = 0

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:head_end]).lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]) if b"content-length:" in head else 0
            if len(self._buffer) < head_end + 4 + length:
                return
            del self._buffer[: head_end + 4 + length]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"get /count"):
            count = str(Sink.received).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(count), count))
            return
        Sink.received += 1
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def sink(port: int) -> None:
    """Serve the sink."""
    await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run({"bare": bare, "sink": sink}[sys.argv[1]](int(sys.argv[2])))
