"""One request and its answer, over one connection.

aiohttp dials and parses. Its session, request and response stand aside: for a small POST they cost more than all the
rest (docs/decisions/0011). Not public is what is used of `ResponseHandler`: that it is a connection's protocol,
`set_response_params`, `read`, `should_close`, and that it parses what `data_received` gets.
`tests/contract/test_target_connections.py` and `tests/unit/targets/test_pool.py` would tell if that changed.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple, cast

from aiohttp import ClientError, ClientOSError, ServerDisconnectedError, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from aiohttp.http_exceptions import HttpProcessingError

ANSWER_BYTES_MAX = 64 * 1024  # a longer answer is left unread, and its connection dropped
EXCERPT_BYTES = 1024
BODY_BYTES_AT_ONCE = 64 * 1024  # a longer body goes out in pieces: 30 MB in one are copied, and hold the loop for 30 ms

# All that aiohttp and the loops raise for a failed request.
FAULTS = (ClientError, HttpProcessingError, OSError, RuntimeError, ValueError)
ENDINGS = (ServerDisconnectedError, ClientOSError)  # those of a connection that ended or broke

KEEPALIVE_S = 15.0

_HEAD = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r].*?\r\n\r\n", re.DOTALL)


NO_HEADERS: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What a target said."""

    status: int
    headers: Mapping[str, str] = NO_HEADERS
    excerpt: bytes = b""  # the beginning of its body
    shortfall: str = ""  # what went wrong after its status was known, in words


class Answers(ResponseHandler):
    """Reads one connection's answers, each to the one request before it.

    Bytes that nobody asked for could be taken for the answer to the next request: a connection that brings some while
    it is idle is dropped, and each answer has a parser of its own, which knows nothing of the last one's remains.
    """

    is_kept = False  # whether it has carried a request before the one at hand
    is_begun = False  # whether a byte of the answer at hand has come
    _is_idle = False
    _is_paused = False
    _alarm: asyncio.TimerHandle | None = None
    _due = 0.0

    def expect(self, deadline: float) -> None:
        """Make ready for the answer to a request that is about to be written; give it up at `deadline`."""
        self._is_idle = self.is_begun = False
        self._ring_at(deadline)
        self.set_response_params(
            read_until_eof=True,
            auto_decompress=False,  # a few compressed KiB can be a GiB
            read_bufsize=ANSWER_BYTES_MAX // 2,
        )

    def rest(self) -> None:
        """Be idle after an answer, and close if that lasts too long."""
        self._is_idle = self.is_kept = True
        self._ring_at(asyncio.get_running_loop().time() + KEEPALIVE_S)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever waits for an answer why there will be none."""
        self._silence()
        super().connection_lost(exc)

    @property
    def is_stale(self) -> bool:
        """Tell whether it was kept from before, and brought nothing for the request at hand."""
        return self.is_kept and not self.is_begun

    def write(self, data: bytes) -> None:
        """Write to the connection; where it is lost already, waiting for the answer will tell why."""
        if self.transport is not None:
            self.transport.write(data)

    def break_off(self) -> None:
        """End the connection at once: closed in peace, it would wait for what is unsent to be read."""
        self.force_close()
        if self.transport is not None:
            self.transport.abort()

    def pause_reading(self) -> None:
        """Take in no more for now."""
        self._is_paused = True
        super().pause_reading()

    def resume_reading(self, *args: bool, **kwargs: bool) -> None:
        """Go on taking in, where that was paused: aiohttp asks for it with every piece and every end."""
        if self._is_paused:
            self._is_paused = False
            super().resume_reading(*args, **kwargs)

    def data_received(self, data: bytes) -> None:
        """Parse a piece; where that fails, leave the status that stands in it as the error's code, or 0.

        A 204 with a body and a body longer than declared are common mistakes, and the parser gives up the head with
        them: for days the target would be sent again what it has said it has.
        """
        if self._is_idle:
            self.close()
            return
        self.is_begun = True
        super().data_received(data)
        if isinstance(error := self.exception(), HttpProcessingError):
            head = _HEAD.match(data)
            error.code = int(head[1]) if head else 0

    def _ring_at(self, due: float) -> None:
        """Set the alarm. One set for before is left, and will move itself on: that is cheaper than a new one."""
        self._due = due
        if self._alarm is not None and self._alarm.when() <= due:
            return
        self._silence()
        self._alarm = asyncio.get_running_loop().call_at(due, self._ring)

    def _ring(self) -> None:
        """Give up what lasts too long: to be idle, or to wait for the head of an answer."""
        self._alarm = None
        if asyncio.get_running_loop().time() < self._due:
            self._ring_at(self._due)
        elif self._is_idle:
            self.close()
        else:
            self.set_exception(TimeoutError())

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def answers_of(connection: Connection) -> Answers:
    """Return what reads a connection's answers."""
    return cast(Answers, connection.protocol)


async def exchange(
    answers: Answers, head: bytes, body: bytes, deadline: float, excerpt_bytes: int = EXCERPT_BYTES
) -> Answer:
    """Send a request and read its answer, both before `deadline`, by the loop's clock.

    excerpt_bytes: how much of the answer's body is kept.

    Without an answer the connection is broken off; with one, `should_close` tells whether it can be used again.
    Errors: `FAULTS`, where no status of an answer came in time.
    """
    answers.expect(deadline)
    try:
        if len(body) <= BODY_BYTES_AT_ONCE:
            answers.write(head + body)
            answer = await _answer(answers, deadline, excerpt_bytes)
        else:
            answer = await _answer_to_pieces(answers, head, body, deadline, excerpt_bytes)
    except BaseException:
        answers.break_off()
        raise
    if not answers.should_close:
        answers.rest()
    return answer


async def _answer_to_pieces(answers: Answers, head: bytes, body: bytes, deadline: float, excerpt_bytes: int) -> Answer:
    """Send a large body in pieces, and read the answer even if it comes before the last of them.

    A target that says yes early may still be reading, and gets the rest; one that says no does not.
    """
    answers.write(head)
    writing = asyncio.create_task(_write_pieces(answers, body))
    try:
        answer = await _answer(answers, deadline, excerpt_bytes)
        if 200 <= answer.status < 300:
            await asyncio.wait([writing], timeout=deadline - asyncio.get_running_loop().time())
    finally:
        if not writing.done():
            writing.cancel()
            answers.break_off()
    return answer


async def _write_pieces(answers: Answers, body: bytes) -> None:
    """Write a body in pieces, as fast as they are taken. Of faults learns whoever waits for the answer."""
    writer, view = StreamWriter(answers, asyncio.get_running_loop()), memoryview(body)
    with suppress(OSError, RuntimeError):
        for start in range(0, len(view), BODY_BYTES_AT_ONCE):
            await writer.write(view[start : start + BODY_BYTES_AT_ONCE])
            await asyncio.sleep(0)  # a target that reads as fast as we write would else hold up everything


async def _answer(answers: Answers, deadline: float, excerpt_bytes: int) -> Answer:
    """Read an answer. Errors: `FAULTS`, where its status did not come."""
    try:
        message, body = await _head_of_answer(answers)
    except HttpProcessingError as error:
        if not error.code:
            raise
        return Answer(error.code, shortfall="the rest of the answer is not HTTP")
    if body.is_eof():  # a short body that came with its head, as most do: nothing to wait for
        return Answer(message.code, message.headers, body.read_nowait()[:excerpt_bytes])
    return Answer(message.code, message.headers, *await _excerpt(body, deadline, excerpt_bytes))


async def _head_of_answer(answers: Answers) -> tuple[RawResponseMessage, StreamReader]:
    """Wait for the head of an answer, past interim ones (RFC 9110, 15.2)."""
    while True:
        message, body = await answers.read()
        if message.code == 101 or not 100 <= message.code < 200:
            return message, body


async def _excerpt(body: StreamReader, deadline: float, excerpt_bytes: int) -> tuple[bytes, str]:
    """Read an answer's body, to its end or a bound; return its beginning, and what went wrong, in words."""
    excerpt, read = b"", 0
    try:
        async with asyncio.timeout_at(deadline):
            while read <= ANSWER_BYTES_MAX and not body.at_eof():
                piece = await body.readany()
                read += len(piece)
                excerpt += piece[: excerpt_bytes - len(excerpt)]
    except TimeoutError:
        return excerpt, "the body of the answer did not end in time"
    except FAULTS:
        return excerpt, "the body of the answer broke off"
    return excerpt, ""
