"""A receiver that notes what it is sent, byte for byte, and answers as it is told, well or badly."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it stood on the wire."""

    line: bytes
    headers: list[tuple[str, bytes]]
    body: bytes

    def values(self, name: str) -> list[bytes]:
        return [value for held, value in self.headers if held.lower() == name.lower()]

    def value(self, name: str) -> str:
        (value,) = self.values(name)
        return value.decode()


@dataclass(slots=True)
class Receiver:
    """A server on loopback. `answers` are played one a request; the last one stays."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                await self._note(await _request(reader))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await answer(writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the sender hung up, or the test is over
        finally:
            writer.close()

    async def _note(self, request: Received) -> None:
        async with self._news:
            self.requests.append(request)
            self._news.notify_all()

    async def has_got(self, count: int) -> None:
        """Come back once `count` requests are here."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.requests) >= count)


async def _request(reader: asyncio.StreamReader) -> Received:
    line, *fields = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    headers = [(name.decode(), value.strip()) for name, _, value in (text.partition(b":") for text in fields)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Received(line, headers, await reader.readexactly(length))


@asynccontextmanager
async def receiving(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver; what still hangs in it at the end is let go."""
    receiver = Receiver(answers=list(answers))
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await receiver.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def says(status: str = "200 OK", *headers: str, body: bytes = b"", declared: int | None = None) -> Answer:
    """Answer in full; or, where `declared` is more than the body, leave the rest out and wait."""
    length = len(body) if declared is None else declared
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {length}", *headers, "", ""])

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + body)
        await writer.drain()
        if length > len(body):
            await asyncio.Event().wait()

    return answer


def writes(raw: bytes) -> Answer:
    """Write these bytes and hang up."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


async def hangs(_: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await asyncio.Event().wait()


async def resets(writer: asyncio.StreamWriter) -> None:
    """Break the connection off: with a time to linger of 0, closing sends RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def closes(writer: asyncio.StreamWriter) -> None:
    """Hang up, without a word."""
    writer.close()
