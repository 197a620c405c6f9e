"""The targets: each remembers what it took, and can be slow, fail, hang up after it took something, or be down.

They know just enough HTTP to tell where a request ends, so that what a run costs is mostly the relay's.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from tests.ports import free_port

OK, NOT_NOW, HUNG_UP = 200, 503, 0
BACKLOG = 1024

Judge = Callable[[str, bytes], int]


@dataclass(slots=True)
class Arrival:
    """An event that was taken. altered: whether one of its copies was another than the first."""

    digest: bytes
    times: int = 1
    is_altered: bool = False


@dataclass(slots=True)
class Receiver:
    """One target. `judge` says how the next delivery is answered: `HUNG_UP` takes it and says nothing."""

    judge: Judge = lambda _id, _body: OK
    takes_s: float = 0.0
    port: int = field(default_factory=free_port)
    arrivals: dict[str, Arrival] = field(default_factory=dict)  # by the event's id
    tries: int = 0
    under_way: int = 0
    under_way_most: int = 0
    _server: asyncio.Server | None = None
    _callers: set[asyncio.Transport] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def doubled(self) -> int:
        """How many deliveries came again after they had been taken: allowed, and worth knowing."""
        return sum(arrival.times - 1 for arrival in self.arrivals.values())

    async def open(self) -> None:
        """Take connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(partial(_Caller, self), "127.0.0.1", self.port, backlog=BACKLOG)

    def shut(self) -> None:
        """Refuse connections, and break off those that there are: it is down."""
        if self._server is not None:
            self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Break every connection off; new ones are taken."""
        for caller in list(self._callers):
            caller.abort()

    def begin(self, event_id: str, body: bytes, answer: Callable[[int], None]) -> None:
        """Take one delivery, and answer in due time."""
        self.tries += 1
        self.under_way += 1
        self.under_way_most = max(self.under_way_most, self.under_way)
        if self.takes_s:
            asyncio.get_running_loop().call_later(self.takes_s, self._finish, event_id, body, answer)
        else:
            self._finish(event_id, body, answer)

    def _finish(self, event_id: str, body: bytes, answer: Callable[[int], None]) -> None:
        self.under_way -= 1
        status = self.judge(event_id, body)
        if status in (OK, HUNG_UP):
            self._take(event_id, hashlib.sha256(body).digest())
        answer(status)

    def _take(self, event_id: str, digest: bytes) -> None:
        before = self.arrivals.setdefault(event_id, Arrival(digest, 0))
        before.times += 1
        before.is_altered |= before.digest != digest


class _Caller(asyncio.Protocol):
    """One connection, whose requests come one after the other."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._receiver._callers.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiver._callers.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._buffer[:head_end]).lower()
        end = head_end + 4 + int(_value(head, b"content-length"))
        if len(self._buffer) >= end:
            body = bytes(self._buffer[head_end + 4 : end])
            del self._buffer[:end]
            self._receiver.begin(_value(head, b"webhook-id").decode(), body, self._answer)

    def _answer(self, status: int) -> None:
        if status == HUNG_UP:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 %d Answer\r\nContent-Length: 2\r\n\r\nok" % status)


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(name + b":")[2].partition(b"\r\n")[0].strip()


@asynccontextmanager
async def receiving(*receivers: Receiver) -> AsyncIterator[None]:
    """Have them open."""
    try:
        for receiver in receivers:
            await receiver.open()
        yield
    finally:
        for receiver in receivers:
            receiver.shut()
