"""aiohttp's server, made fit for strangers: what is no HTTP is answered in our form and told without a byte of it.

By itself aiohttp echoes what it could not parse, names its version, and logs each time with a traceback.
"""

import asyncio
import sys
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import HttpProcessingError
from aiohttp.http_exceptions import BadStatusLine, InvalidURLError, LineTooLong
from aiohttp.typedefs import Handler

from relay.observer import Observer
from relay.web import answers


class DoorServer(web.Server):
    """Serves connections, each by a `_Connection`. settings: as `web.RequestHandler` takes them."""

    def __init__(self, serve: Any, observer: Observer, request_factory: Any = None, **settings: Any) -> None:
        super().__init__(serve, request_factory=request_factory)
        self._observer = observer
        self._settings = settings

    def __call__(self) -> web.RequestHandler:
        """Make what serves one connection."""
        return _Connection(self, self._observer, self._loop, **self._settings)


class DoorRunner(web.AppRunner):
    """Runs an application with a router on a `DoorServer`."""

    def __init__(self, application: web.Application, observer: Observer, *, shutdown_timeout: float) -> None:
        super().__init__(application, shutdown_timeout=shutdown_timeout)
        self._observer = observer

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return DoorServer(made.request_handler, self._observer, made.request_factory)


class _Connection(web.RequestHandler):
    """One connection: parses what comes, has it served, and answers itself what cannot be."""

    __slots__ = ("_arriving", "_observer")

    def __init__(
        self, server: web.Server, observer: Observer, loop: asyncio.AbstractEventLoop, **settings: Any
    ) -> None:
        super().__init__(server, loop=loop, access_log=None, **settings)
        self._observer = observer
        self._arriving: StreamReader | None = None  # the body of the newest request

    def data_received(self, data: bytes) -> None:
        """Parse; and wake who reads a body that can never become whole.

        aiohttp's parser, when it stumbles over a chunk, queues the error as one more request, behind the one whose
        body then never ends. Nothing else can come after a body that is not whole.
        """
        super().data_received(data)
        if not self._messages or (newest := self._messages[-1][1]) is self._arriving:
            return
        if self._arriving is not None and not self._arriving.is_eof():
            self._arriving.set_exception(web.RequestPayloadError("a chunk is not of its form"))
        self._arriving = newest

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what could not be parsed, and what our own code failed on, and hang up.

        A time-out comes without its exception, but while that is handled.
        """
        response = self._answered(exc or sys.exception())
        response.force_close()
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun, and no other can follow it")
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Tell of what failed after an answer: only what is our fault, for the sender is done with."""
        fault = kw.get("exc_info") or sys.exception() or RuntimeError()
        if isinstance(fault, BaseException) and not self._is_by_sender(fault):
            self._observer.broke(fault)

    def _answered(self, fault: BaseException | None) -> web.Response:
        if isinstance(fault, HttpProcessingError):
            self._observer.malformed(_reason(fault))
            return _malformed(fault)
        self._observer.broke(fault or RuntimeError())
        return answers.problem(500, "This failed by a fault of ours. Send it again.")

    def _is_by_sender(self, fault: BaseException) -> bool:
        """Tell whether the rest of a body, that nobody wants any more, is broken or will not come."""
        return isinstance(fault, web.RequestPayloadError | OSError) or self.transport is None


def _malformed(fault: HttpProcessingError) -> web.Response:
    if isinstance(fault, LineTooLong):
        return answers.problem(431, "The URL or a header is too long.")
    return answers.problem(400, "This is no HTTP request.")


def _reason(fault: HttpProcessingError) -> str:
    """Name a parser's complaint by its class; its words hold what was sent."""
    match fault:
        case LineTooLong():
            return "too_long"
        case BadStatusLine() | InvalidURLError():
            return "request_line"
        case _:
            return "head"
