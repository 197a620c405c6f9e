"""A load generator that costs little itself: prepared requests over kept-alive connections, answers counted."""

import asyncio
import hashlib
import hmac
import statistics
import time
from dataclasses import dataclass, field
from functools import partial
from typing import cast

SECRET = "benchmark-secret"
BODY_BYTES = 2400


def signed_requests(count: int, path: str, *, first: int = 0) -> list[bytes]:
    """Prepare POSTs with distinct 2.4 KB JSON bodies, each signed with HMAC-SHA256 in `X-Signature`."""
    filler = "x" * (BODY_BYTES - 64)
    requests = []
    for number in range(first, first + count):
        body = f'{{"id":"evt-{number:012d}","kind":"order.paid","filler":"{filler}"}}'.encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


@dataclass
class Measured:
    """What one run of load saw."""

    seconds: float
    statuses: dict[bytes, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return accepted requests a second."""
        return self.statuses.get(b"200", 0) / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """Return the latency that `percent` of the requests stay below."""
        return statistics.quantiles(self.latencies_ms, n=100)[percent - 1]


class Connection(asyncio.Protocol):
    """One connection that sends the next request as soon as it has the last answer."""

    def __init__(self, requests: list[bytes], measured: Measured, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._measured = measured
        self._done = done
        self._sent_s = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) < head_end + 4 + length:
            return
        status = head[9:12]
        self._measured.statuses[status] = self._measured.statuses.get(status, 0) + 1
        self._measured.latencies_ms.append((time.perf_counter() - self._sent_s) * 1000)
        self._buffer = b""
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _send_next(self) -> None:
        if not self._requests:
            self._transport.close()
            return
        self._sent_s = time.perf_counter()
        self._transport.write(self._requests.pop())


async def drive(port: int, requests: list[bytes], connections: int) -> Measured:
    """Send all requests over so many connections, each waiting for its answer before the next."""
    loop = asyncio.get_running_loop()
    measured = Measured(0.0)
    began_s = time.perf_counter()
    endings = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        endings.append(done)
        await loop.create_connection(partial(Connection, requests, measured, done), "127.0.0.1", port)
    await asyncio.gather(*endings)
    measured.seconds = time.perf_counter() - began_s
    return measured
