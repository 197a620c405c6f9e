"""The servers of the benchmarks: `python -m tests.benchmarks.servers KIND PORT [ARGUMENT …]`.

bare: what aiohttp can do when it does nothing else: the body is read and answered.
naive DATABASE JOURNAL: what one writes first: prove, store, commit, answer, one transaction a request.
sink: a receiver of deliveries that costs next to nothing, so that what is measured is the relay.
hole: takes every connection and never answers.
"""

import asyncio
import hashlib
import hmac
import sys
from collections.abc import Callable, Coroutine
from typing import cast

import aiosqlite
import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler

from tests.benchmarks.load import SECRET

CONNECTIONS_WAITING_MAX = 1024  # the relay's own: with fewer, who is turned away tries again a second later


async def _read_and_answer(request: web.Request) -> web.Response:
    await request.read()
    return _accepted()


def _accepted() -> web.Response:
    return web.Response(body=b'{"status":"accepted"}', content_type="application/json")


async def bare(port: int) -> None:
    """Serve the bare handler."""
    await _serve(port, _read_and_answer)


class Naive:
    """Stores each event in a transaction of its own. Without the lock, those at the same time would share one."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    async def receive(self, request: web.Request) -> web.Response:
        """Prove, store, commit, answer."""
        body = await request.read()
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers["X-Signature"]):
            return web.Response(status=401)
        async with self._one_at_a_time:
            await self._connection.execute("INSERT INTO events (body) VALUES (?)", (body,))
            await self._connection.commit()
        return _accepted()


async def naive(port: int, database: str, journal: str) -> None:
    """Serve the naive handler. journal: SQLite's journal mode; `delete` is what one gets without asking."""
    async with aiosqlite.connect(database) as connection:
        await connection.execute(f"PRAGMA journal_mode = {journal}")
        await connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        await _serve(port, Naive(connection).receive)


async def _serve(port: int, handler: Handler) -> None:
    application = web.Application()
    application.router.add_post("/in/{source}", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=CONNECTIONS_WAITING_MAX).start()
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
    await _listen(port, Sink)


async def hole(port: int) -> None:
    """Take everything and answer nothing."""
    await _listen(port, asyncio.Protocol)


async def _listen(port: int, protocol: type[asyncio.Protocol]) -> None:
    await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, backlog=CONNECTIONS_WAITING_MAX)
    await asyncio.Event().wait()


KINDS: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "bare": bare,
    "naive": naive,
    "sink": sink,
    "hole": hole,
}


if __name__ == "__main__":
    kind, port, *arguments = sys.argv[1:]
    uvloop.run(KINDS[kind](int(port), *arguments))
