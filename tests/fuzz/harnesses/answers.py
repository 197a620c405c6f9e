"""What a target answers: any bytes, in any pieces, are an answer or one of the known faults, at once.

The first line holds the lengths of the pieces, as bytes; after the last of them the target hangs up.
"""

import asyncio
import gzip
from collections.abc import Iterator
from functools import cache

from relay.targets.exchange import EXCERPT_BYTES, FAULTS, Answer, Answers, exchange
from tests.fuzz.harness import Harness
from tests.patience import WAIT_S_MAX


class Line(asyncio.Transport):
    """A connection that takes everything, and says nothing by itself."""

    is_open = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert data

    def close(self) -> None:
        self.is_open = False

    abort = close

    def is_closing(self) -> bool:
        return not self.is_open

    def pause_reading(self) -> None:
        """Everything comes whatever is asked."""

    resume_reading = pause_reading

    def get_write_buffer_size(self) -> int:
        return 0


@cache
def loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def check(data: bytes) -> None:
    lengths, _, content = data.partition(b"\n")
    answer = loop().run_until_complete(_asked(_pieces(content, lengths)))
    if answer is not None:
        assert 0 <= answer.status < 1000  # three digits; what is not 2xx is no success
        assert len(answer.excerpt) <= EXCERPT_BYTES
        assert answer.shortfall.isprintable()


async def _asked(pieces: list[bytes]) -> Answer | None:
    """Send a request, and let the pieces come."""
    running, line = asyncio.get_running_loop(), Line()
    answers = Answers(running)
    answers.connection_made(line)
    deadline = running.time() + WAIT_S_MAX
    asking = running.create_task(exchange(answers, b"POST / HTTP/1.1\r\n\r\n", b"{}", deadline))
    await asyncio.sleep(0)
    for piece in pieces:
        if line.is_open:
            answers.data_received(piece)
            await asyncio.sleep(0)
    answers.connection_lost(None)
    try:
        answer = await asking
    except FAULTS as fault:
        assert not isinstance(fault, TimeoutError), "nobody noticed that the target had hung up"  # noqa: PT017
        return None
    return answer


def _pieces(content: bytes, lengths: bytes) -> list[bytes]:
    pieces = []
    for length in lengths:
        pieces.append(content[: length + 1])
        content = content[length + 1 :]
    return [piece for piece in (*pieces, content) if piece]


def seeds() -> Iterator[bytes]:
    packed = gzip.compress(b"a" * 5000, mtime=0)
    for answer in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 204 No Content\r\n\r\nbody all the same",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 9\r\n\r\nto the end",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed,
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ):
        yield b"\n" + answer
        yield b"\x08\x02\x10\n" + answer


HARNESS = Harness(check, seeds)
