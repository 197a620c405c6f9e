"""The HTTP server: bounded in every direction, and with our own words where a request cannot be read.

By itself aiohttp waits for ever for what does not come, takes any number of connections, echoes what it could not
parse, names its version, and logs each time with a traceback. It also makes a task of each request.
"""

import asyncio
import sys
import traceback
from asyncio import BaseTransport, Transport
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler

from relay.web import answers
from relay.web.crowd import Crowd, Stage
from relay.web.turns import Turn, Turns

log = structlog.get_logger("relay.web")

HEAD_BYTES_MAX = 64 * 1024  # of a head that comes in pieces; one that comes at once is never kept
PIPELINED_MAX = 8  # requests read ahead of the one that is answered; then nothing more is read
LINGER_S = 5.0  # for what still comes of a body that nobody wants: an answer sent into it could be lost
TOO_SLOW = "The request did not come within its time."
LONG_HEADERS = "The headers are too long."
FAULT = "This failed by a fault of ours. Send it again."
NEVER_S = 1e8  # aiohttp's own time-out of idle connections: ours are watched by the crowd


class Unfinished(web.RequestPayloadError):
    """A body can never become whole. It was counted where that was seen."""


class TooSlow(Unfinished):
    """A body did not come within its time."""


class QuietHandler(RequestHandler):
    """One connection. What cannot be read is answered in one form, counted, and forgotten. Fulfils `crowd.Caller`."""

    __slots__ = (
        "_arriving",
        "_crowd",
        "_has_ended",
        "_head_bytes",
        "_is_body_open",
        "_is_queued",
        "_line_bytes_max",
        "_tell_malformed",
        "_turn",
        "_turns",
        "_wire",
        "address",
        "seen",
        "since_s",
    )

    def __init__(
        self, server: web.Server, crowd: Crowd, turns: Turns, tell_malformed: Callable[[str], None], **settings: Any
    ) -> None:
        bounds = crowd.bounds
        super().__init__(
            server,
            max_line_size=bounds.url_bytes_max,
            # Never alike, so that one can tell which was passed: the parser's error names nothing but the bound.
            max_field_size=bounds.header_bytes_max + (bounds.header_bytes_max == bounds.url_bytes_max),
            max_headers=bounds.headers_max,
            keepalive_timeout=NEVER_S,
            **settings,
        )
        self._max_msg_queue_size, self._msg_queue_resume_size = PIPELINED_MAX, PIPELINED_MAX // 2
        self._line_bytes_max = bounds.url_bytes_max
        self._crowd = crowd
        self._turns = turns
        self._turn: Turn | None = None  # waited for: a request, and then the turn in which it may begin
        self._is_queued = False  # the request has come
        self._tell_malformed = tell_malformed
        self._arriving: StreamReader = EMPTY_PAYLOAD  # the body of the newest request
        self._is_body_open = False  # it was not whole when it was last looked at
        self._head_bytes = 0  # of a head that is not whole
        self._has_ended = False
        self.address: Hashable = None
        self.seen = (Stage.HEAD, 0)
        self.since_s = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, or hang up where there are too many already."""
        self._wire = cast(Transport, transport)  # uvloop's is none by inheritance
        peer = transport.get_extra_info("peername")
        if self._crowd.admit(self, peer[0] if isinstance(peer, tuple) else ""):
            super().connection_made(transport)
        else:
            self._wire.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._crowd.leave(self)
        super().connection_lost(exc)

    def close(self) -> None:
        """Hang up, after the answer that is under way or is to be given next."""
        super().close()
        if self._is_waiting:
            self._wait_no_more()

    def force_close(self) -> None:
        """Hang up."""
        super().force_close()
        self._wait_no_more()

    async def start(self) -> None:
        """Answer the requests of this connection, one after another, until one of both sides hangs up.

        aiohttp's own makes a task of each, which costs as much as to read it, and sets a timer where we have the crowd.
        """
        while not self._force_close:
            if not self._messages:
                await self._until_asked()
                continue
            message, payload = self._next_message()
            request, handler = self._request_of(message, payload)
            try:
                response, is_lost = await self._handle_request(request, None, handler)
                self._keepalive = bool(response.keep_alive)
                if not (is_lost or payload.is_eof()):
                    await self._drop_rest_of(payload)
            except ConnectionError:
                break
            except Exception as fault:  # noqa: BLE001 - whatever it is, this connection ends and no other
                self.log_exception(exc_info=fault)
                break
            except BaseException:
                self.force_close()
                raise
            if is_lost or self._close or not self._keepalive:
                break
        self._task_handler = None
        if self.transport is not None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse; and wake who reads a body that can never become whole.

        aiohttp's parser, when it stumbles over a later chunk, queues the error as one more request, behind the one
        whose body then never ends. Nothing else can come after a body that is not whole.
        """
        super().data_received(data)
        if not self._messages:
            self._take_part(data)
            return
        if self._is_waiting:
            self._is_queued = True
            self._turns.queue(cast(Turn, self._turn))
        newest = self._messages[-1][1]
        if newest is not self._arriving and self._is_body_open:
            self._break_off("a chunk is not of its form")
        self._arriving, self._is_body_open, self._head_bytes = newest, not newest.is_eof(), 0

    def eof_received(self) -> bool:  # type: ignore[override] # aiohttp's always hangs up
        """Answer what is whole, though its peer has said its last word; tell it of what never becomes whole."""
        if self.transport is None or self._is_waiting:
            return False
        if self._is_body_open:
            self._break_off("it ended early")
        self._has_ended = True
        self._close = not self._messages  # hang up after the answer that is under way, unless more are to be given
        return True

    @property
    def stage(self) -> Stage:
        """Tell what it waits for now."""
        if self.transport is None or self.writing_paused:
            return Stage.ANSWER
        if self._buffer_paused or self._reading_paused:  # it could send more, and we take none
            return Stage.NOTHING
        if self._is_body_open and not self._arriving.is_eof():
            return Stage.BODY
        if not self._is_waiting:
            return Stage.NOTHING
        if self._has_ended:
            return Stage.END
        return Stage.HEAD if self._head_bytes or not self._request_count else Stage.IDLE

    @property
    def has_begun(self) -> bool:
        """Tell whether part of a head has come, and not the rest."""
        return self._head_bytes > 0

    @property
    def requests(self) -> int:
        """Tell how many requests have come, whole or not."""
        return self._request_count

    def hang_up(self) -> None:
        """End what it waits for: by a 408 where a request has begun, and without a word where nothing helps."""
        match self.stage:
            case Stage.HEAD if self._head_bytes:
                self._say_and_close(408, TOO_SLOW)
            case Stage.HEAD | Stage.IDLE | Stage.END:
                self.force_close()
            case Stage.BODY if self._arriving.exception() is None:
                self._arriving.set_exception(TooSlow())
            case _:
                self._wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be handled. `message` and `exc` quote the request, and are not repeated."""
        is_ours = status >= 500 and not isinstance(exc or sys.exception(), OSError | web.RequestPayloadError)
        if is_ours:
            _tell_fault(exc)
        elif not isinstance(exc, Unfinished):
            self._tell_malformed("unreadable")
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way already")
        response = answers.problem(500, FAULT) if is_ours else self._refused(exc)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Tell of what failed beside an answer: the rest of a body that nobody wants any more, or a fault of ours."""
        fault = kw.get("exc_info")
        if isinstance(fault, Unfinished):
            return
        if isinstance(fault, OSError | web.RequestPayloadError):
            self._tell_malformed("broken off")
        else:
            _tell_fault(fault)

    async def _until_asked(self) -> None:
        self._turn = self._loop.create_future()
        try:
            await self._turn
        finally:
            self._turn, self._is_queued = None, False

    def _wait_no_more(self) -> None:
        if self._turn is not None:
            self._turn.cancel()

    def _next_message(self) -> tuple[Any, StreamReader]:
        """Take what came first; where so much came that no more was read, read on."""
        message, payload = self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        return message, payload

    def _request_of(self, message: Any, payload: StreamReader) -> tuple[web.BaseRequest, Any]:
        """Return a request, and what answers it: what cannot be read has an answer, too."""
        handler, factory = self._request_handler, self._request_factory
        assert factory is not None  # noqa: S101 - there is one until the connection is lost, and then no more messages
        if not isinstance(message, RawRequestMessage):
            handler, message = self._make_error_handler(message), ERROR
        task = cast("asyncio.Task[None]", self._task_handler or asyncio.current_task())
        return factory(message, payload, self, StreamWriter(self, self._loop), task), handler

    async def _drop_rest_of(self, payload: StreamReader) -> None:
        """Read what still comes of a body that nobody wants, for a while; then hang up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while not payload.is_eof():
                    await payload.readany()
        if not payload.is_eof():
            self.close()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Read on, where reading was paused: aiohttp parses once more for each body that is read."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    @property
    def _is_waiting(self) -> bool:
        """Tell whether everything that came is answered."""
        return self._turn is not None and not self._is_queued

    def _take_part(self, data: bytes) -> None:
        """Note that part of a request came: of its body, or of its head, which may have only so many bytes."""
        if self._is_body_open:
            self._is_body_open = not self._arriving.is_eof()
        elif not (self._close or self._force_close) and data.strip(b"\r\n"):  # empty lines may precede a request
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._tell_malformed("unreadable")
                self._say_and_close(431, LONG_HEADERS)

    def _break_off(self, why: str) -> None:
        """Wake who reads a body that will never be whole."""
        if not self._arriving.is_eof():
            self._arriving.set_exception(Unfinished(why))
            self._tell_malformed("broken off")

    def _say_and_close(self, status: int, detail: str) -> None:
        """Answer a request of which the head is not whole; where another is under way, only hang up after that one."""
        if self._is_waiting and self.transport is not None:
            self.transport.write(answers.unasked(status, detail))
            self.force_close()
        else:
            self.close()

    def _refused(self, exc: BaseException | None) -> web.Response:
        match exc:
            case LineTooLong(args=(_, self._line_bytes_max, _)):
                return answers.problem(414, "The URL is too long.")
            case LineTooLong():
                return answers.problem(431, "A header is too long.")
            case BadHttpMessage(message=str(message)) if message.startswith("Too many headers"):
                return answers.problem(431, "There are too many headers.")
            case TooSlow():
                return answers.problem(408, TOO_SLOW)
            case _:
                return answers.problem(400, "This is no request that can be read.")


class QuietServer(web.Server):
    """aiohttp's server, whose connections are quiet and bounded."""

    def __init__(self, handler: Any, crowd: Crowd, tell_malformed: Callable[[str], None], **settings: Any) -> None:
        super().__init__(handler, **settings)
        self._crowd = crowd
        self._turns = Turns(self._loop)
        self._tell_malformed = tell_malformed

    def __call__(self) -> RequestHandler:
        """Make what handles one connection."""
        return QuietHandler(self, self._crowd, self._turns, self._tell_malformed, loop=self._loop, **self._kwargs)


class QuietRunner(web.AppRunner):
    """Runs an application with a router on a quiet server."""

    def __init__(
        self, application: web.Application, crowd: Crowd, tell_malformed: Callable[[str], None], **settings: Any
    ) -> None:
        super().__init__(application, **settings)
        self._crowd = crowd
        self._tell_malformed = tell_malformed

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return QuietServer(
            made.request_handler,
            self._crowd,
            self._tell_malformed,
            request_factory=made.request_factory,
            access_log=None,
        )


def _tell_fault(fault: object) -> None:
    """Log a fault of ours by its kind and place; its words may quote what was sent."""
    trace = traceback.format_tb(fault.__traceback__) if isinstance(fault, BaseException) else []
    log.error("request_failed", fault=type(fault).__name__, trace=trace)
