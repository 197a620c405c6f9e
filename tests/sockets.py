"""Raw connections: what no HTTP client would send, or only a slow or broken one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.patience import WAIT_S_MAX


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection that sends bytes, and says what comes back."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send, and let the other side take it."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """Return the head of one answer, its body read over."""
        async with asyncio.timeout(WAIT_S_MAX):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await self.reader.readexactly(int(length or 0))
        return head

    async def status(self) -> int:
        """Return the status of one answer."""
        return int((await self.answer()).split(b" ", 2)[1])

    async def rest(self) -> bytes:
        """Return what still comes until the other side hangs up; nothing where it does so rudely."""
        async with asyncio.timeout(WAIT_S_MAX):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def is_open(self) -> bool:
        """Tell whether the other side has not hung up, once everything that is under way has come."""
        try:
            async with asyncio.timeout(0.05):
                await self.reader.read()
        except TimeoutError:
            return True
        except ConnectionError:
            pass
        return False


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[Wire]:
    """Connect to where a URL is."""
    host, port = url.removeprefix("http://").split(":")
    async with asyncio.timeout(WAIT_S_MAX):
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
