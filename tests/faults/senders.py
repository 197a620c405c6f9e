"""Senders as vendors are: each sends an event again until it hears 200. Over raw sockets, to cost little themselves."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.benchmarks.asking import Streams
from tests.faults.ledger import Ledger
from tests.faults.requests import SECRET, Request, in_turn

AGAIN_AFTER_S = 0.05
REPEATS = 24  # that are sent again at the end
ANSWER_S_MAX = 30.0


@dataclass(slots=True)
class Senders:
    """Several at once, each with one request under way. ports: those of the relays, shared evenly among them."""

    ports: Sequence[int]
    count: int = 16
    pause_s: float = 0.0
    ledger: Ledger = field(default_factory=Ledger)
    secret: str = SECRET
    requests: Iterator[Request] = field(default_factory=in_turn)
    absent: set[str] = field(default_factory=set)  # targets that are not configured now
    last: deque[Request] = field(default_factory=lambda: deque(maxlen=REPEATS))
    must_wait: Callable[[], bool] = lambda: False
    _is_over: bool = False
    _under_way: int = 0
    _may_send: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send while something happens, and afterwards until each event that was begun is acknowledged."""
        self._is_over = False
        self._may_send.set()
        async with asyncio.TaskGroup() as senders:
            for number in range(self.count):
                senders.create_task(self._send_until_over(Line(self.ports[number % len(self.ports)])))
            try:
                yield
            finally:
                self._is_over = True

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Do something while nobody sends."""
        self._may_send.clear()
        while self._under_way:
            await asyncio.sleep(0.01)
        yield
        self._may_send.set()

    async def have_sent(self, more: int, deadline_s: float) -> None:
        """Come back once so many more events are acknowledged."""
        wanted = len(self.ledger.promises) + more
        async with asyncio.timeout(deadline_s):
            while len(self.ledger.promises) < wanted:
                await asyncio.sleep(0.01)

    async def send(self, request: Request) -> str:
        """Send one request by itself, until it is acknowledged; return what the relay says of it."""
        line = Line(self.ports[0])
        try:
            while (answer := await self._asked(line, request)) is None:
                await asyncio.sleep(AGAIN_AFTER_S)
        finally:
            line.hang_up()
        return answer

    async def _send_until_over(self, line: "Line") -> None:
        try:
            while not self._is_over:
                await self._may_send.wait()
                if self.must_wait():
                    await asyncio.sleep(AGAIN_AFTER_S)
                    continue
                self._under_way += 1
                await self._send(line, next(self.requests).without(self.absent))
                self._under_way -= 1
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)
        finally:
            line.hang_up()

    async def _send(self, line: "Line", request: Request) -> None:
        while await self._asked(line, request) is None:
            await asyncio.sleep(AGAIN_AFTER_S)
        self.last.append(request)

    async def _asked(self, line: "Line", request: Request) -> str | None:
        """Send a request once; return what the relay says of it, or None where it does not acknowledge it."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                status, answer = await line.ask(request.signed(self.secret))
        except (OSError, EOFError, TimeoutError):  # it is down, died before it answered, or stands still
            line.hang_up()
            self.ledger.unanswered += 1
            return None
        self.ledger.statuses[status] += 1
        if status != 200:
            return None
        told = json.loads(answer)
        self.ledger.acknowledge(request.events, told.get("ids", [told["id"]]))
        return str(told["status"])


class Line:
    """A connection to a relay that is kept, and made anew where it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: Streams | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body of the answer. Errors: OSError, EOFError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        answer = int(head[9:12]), await reader.readexactly(length)
        if b"connection: close" in head:
            self.hang_up()
        return answer

    def hang_up(self) -> None:
        """Break it off."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].transport.abort()
