"""A load generator that costs little itself: prepared requests over kept-alive connections, answers counted.

The loop is closed: each connection waits for its answer before it sends again, so this shows how much can be done.
How long a sender waits at a given rate is shown by `open_loop`.
"""

import asyncio
import hashlib
import hmac
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from tests.benchmarks.figures import percentile

SECRET = "benchmark-secret"
BODY_BYTES = 2400
ACCEPTED = b"200"

_numbers = itertools.count()


def signed_requests(count: int, path: str) -> list[bytes]:
    """Prepare POSTs with 2.4 KB JSON bodies, no two alike in a run, each signed with HMAC-SHA256 in `X-Signature`."""
    filler = "x" * (BODY_BYTES - 64)
    requests = []
    for number in itertools.islice(_numbers, count):
        body = f'{{"id":"evt-{number:012d}","kind":"order.paid","filler":"{filler}"}}'.encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


def answered(received: bytes) -> tuple[bytes, bytes] | None:
    """Return status and body of an answer, or None until the whole of it is there."""
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return None
    length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    return (head[9:12], body) if len(body) >= length else None


def require_accepted(statuses: Mapping[bytes, int], count: int) -> None:
    """Insist that every request was answered 200: a fast refusal is no speed."""
    if statuses != {ACCEPTED: count}:
        raise RuntimeError(f"{count} requests were sent, and their answers were {dict(statuses)}")


@dataclass
class Measured:
    """What one run of load saw."""

    seconds: float
    statuses: dict[bytes, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that `percent` of the requests do not exceed."""
        return percentile(self.latencies_ms, percent)


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

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (answer := answered(self._buffer)) is None:
            return
        status, _ = answer
        self._measured.statuses[status] = self._measured.statuses.get(status, 0) + 1
        self._measured.latencies_ms.append((time.perf_counter() - self._sent_s) * 1000)
        self._buffer = b""
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def send_next(self) -> None:
        """Send one request; hang up where none is left."""
        if not self._requests:
            self._transport.close()
            return
        self._sent_s = time.perf_counter()
        self._transport.write(self._requests.pop())


async def drive(port: int, requests: list[bytes], connections: int) -> Measured:
    """Send all requests over so many connections, each waiting for its answer before the next."""
    count = len(requests)
    loop = asyncio.get_running_loop()
    measured = Measured(0.0)
    opened, endings = [], []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        endings.append(done)
        _, connection = await loop.create_connection(partial(Connection, requests, measured, done), "127.0.0.1", port)
        opened.append(connection)
    began_s = time.perf_counter()
    for connection in opened:  # only now: a server that is busy answering might turn the last ones away
        connection.send_next()
    await asyncio.gather(*endings)
    measured.seconds = time.perf_counter() - began_s
    require_accepted(measured.statuses, count)
    return measured
