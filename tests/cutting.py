"""A cable between a program and its database, which a test cuts, or lets fall silent, and mends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.ports import free_port

CHUNK_BYTES = 65_536


@dataclass(slots=True)
class Cable:
    """A port that leads to another one on this machine."""

    to_port: int
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)
    _asks: asyncio.Event = field(default_factory=asyncio.Event)
    _answers: asyncio.Event = field(default_factory=asyncio.Event)
    _last_question: bytes | None = None

    async def mend(self) -> None:
        """Let everything through, and take connections."""
        self._last_question = None
        self._asks.set()
        self._answers.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._lead, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Hang up, and refuse connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Break every connection off; new ones are taken."""
        for end in self._ends:
            end.transport.abort()

    def fall_silent(self) -> None:
        """Let nothing through, and say nothing: as when the network between two machines is gone."""
        self._asks.clear()
        self._answers.clear()

    def fall_silent_after(self, question: bytes) -> None:
        """Let everything through until this is asked, and from then on no answer."""
        self._last_question = question

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self.to_port)
        except ConnectionError:
            writer.transport.abort()
            return
        self._ends |= {writer, there[1]}
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_carry(reader, there[1], self._let_ask))
                ways.create_task(_carry(there[0], writer, self._let_answer))
        finally:
            self._ends -= {writer, there[1]}

    async def _let_ask(self, chunk: bytes) -> None:
        if self._last_question is not None and self._last_question in chunk:
            self._answers.clear()
        await self._asks.wait()

    async def _let_answer(self, _: bytes) -> None:
        await self._answers.wait()


Valve = Callable[[bytes], Awaitable[object]]


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, valve: Valve) -> None:
    """Carry one way until an end hangs up; then both hang up."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            await valve(chunk)
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def cable_to(port: int) -> AsyncIterator[Cable]:
    """Lay a cable to a port."""
    cable = Cable(port)
    await cable.mend()
    try:
        yield cable
    finally:
        cable._asks.set()
        cable._answers.set()
        await cable.cut()
        await asyncio.sleep(0)
