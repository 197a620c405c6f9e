"""The HTTP server, with our own words where a request cannot be read: nothing a stranger sent is echoed or logged.

By itself aiohttp echoes what it could not parse, names its version, and logs each time with a traceback.
"""

import sys
import traceback
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import StreamReader, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from relay.web import answers

log = structlog.get_logger("relay.web")


class QuietHandler(RequestHandler):
    """One connection. What cannot be read is answered in one form, counted, and forgotten."""

    __slots__ = ("_arriving", "_tell_malformed")

    def __init__(self, server: web.Server, tell_malformed: Callable[[str], None], **settings: Any) -> None:
        super().__init__(server, **settings)
        self._tell_malformed = tell_malformed
        self._arriving: StreamReader | None = None  # the body of the newest request

    def data_received(self, data: bytes) -> None:
        """Parse; and wake who reads a body that can never become whole.

        aiohttp's parser, when it stumbles over a later chunk, queues the error as one more request, behind the one
        whose body then never ends. Nothing else can come after a body that is not whole.
        """
        super().data_received(data)
        if not self._messages or (newest := self._messages[-1][1]) is self._arriving:
            return
        if self._arriving is not None and not self._arriving.is_eof():
            self._arriving.set_exception(web.RequestPayloadError("a chunk is not of its form"))
        self._arriving = newest

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be handled. `message` and `exc` quote the request, and are not repeated."""
        is_ours = status >= 500 and not isinstance(exc or sys.exception(), OSError)
        if is_ours:
            _tell_fault(exc)
        else:
            self._tell_malformed("unreadable")
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way already")
        if isinstance(exc, LineTooLong):
            response = answers.problem(431, "The URL or a header is too long.")
        elif is_ours:
            response = answers.problem(500, "This failed by a fault of ours. Send it again.")
        else:
            response = answers.problem(400, "This is no request that can be read.")
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Tell of what failed beside an answer: the rest of a body that nobody wants any more, or a fault of ours."""
        fault = kw.get("exc_info")
        if isinstance(fault, OSError | web.RequestPayloadError):
            self._tell_malformed("broken off")
        else:
            _tell_fault(fault)


class QuietServer(web.Server):
    """aiohttp's server, whose connections are quiet."""

    def __init__(self, handler: Any, tell_malformed: Callable[[str], None], **settings: Any) -> None:
        super().__init__(handler, **settings)
        self._tell_malformed = tell_malformed

    def __call__(self) -> RequestHandler:
        """Make what handles one connection."""
        return QuietHandler(self, self._tell_malformed, loop=self._loop, **self._kwargs)


class QuietRunner(web.AppRunner):
    """Runs an application with a router on a quiet server."""

    def __init__(self, application: web.Application, tell_malformed: Callable[[str], None], **settings: Any) -> None:
        super().__init__(application, **settings)
        self._tell_malformed = tell_malformed

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return QuietServer(
            made.request_handler, self._tell_malformed, request_factory=made.request_factory, access_log=None
        )


def _tell_fault(fault: object) -> None:
    """Log a fault of ours by its kind and place; its words may quote what was sent."""
    trace = traceback.format_tb(fault.__traceback__) if isinstance(fault, BaseException) else []
    log.error("request_failed", fault=type(fault).__name__, trace=trace)
