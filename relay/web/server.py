"""The HTTP server, with our own words where a request cannot be read: nothing a stranger sent is echoed or logged.

By itself aiohttp echoes what it could not parse, names its version, and logs each time with a traceback.
"""

import traceback
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from relay.web import answers

log = structlog.get_logger("relay.web")

WORDS = {
    400: "This is no request that can be read.",
    414: "The URL is too long.",
    431: "The headers are too large.",
}


class QuietHandler(RequestHandler):
    """One connection. What cannot be read is answered in one form, counted, and forgotten."""

    __slots__ = ("_tell_malformed",)

    def __init__(self, server: web.Server, tell_malformed: Callable[[str], None], **settings: Any) -> None:
        super().__init__(server, **settings)
        self._tell_malformed = tell_malformed

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be handled. `message` and `exc` quote the request, and are not repeated."""
        if status >= 500:
            _tell_fault(exc)
        else:
            self._tell_malformed("unreadable")
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way already")
        response = answers.problem(status, WORDS.get(status, "This request could not be handled."))
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


def _tell_fault(fault: object) -> None:
    """Log a fault of ours by its kind and place; its words may quote what was sent."""
    trace = traceback.format_tb(fault.__traceback__) if isinstance(fault, BaseException) else []
    log.error("request_failed", fault=type(fault).__name__, trace=trace)
