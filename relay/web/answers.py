"""What is answered, in one table: receipts, refusals and errors to HTTP."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

import orjson
from aiohttp import HttpVersion, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from relay.domain import Answer, Receipt, Refusal

SERVER = "relay"  # and no word of what it is made with
JSON_HEADERS = {"Content-Type": "application/json", "Server": SERVER}
PROBLEM_HEADERS = {"Content-Type": "application/problem+json", "Server": SERVER}
STORE_RETRY_AFTER_S = 5
BUSY_RETRY_AFTER_S = 1

# A stranger learns that it was refused, never why: nothing here helps to forge the next one.
REFUSED: dict[Refusal, tuple[int, str]] = {
    Refusal.MISSING: (401, "The request is not proven to come from this source."),
    Refusal.MALFORMED: (401, "The request is not proven to come from this source."),
    Refusal.STALE: (401, "The request is not proven to come from this source."),
    Refusal.MISMATCH: (401, "The request is not proven to come from this source."),
    Refusal.UNREADABLE: (400, "The body could not be read: broken, or not JSON where this source needs it."),
    Refusal.KEYLESS: (400, "The body lacks the fields by which this source's events are known."),
    Refusal.TOO_LARGE: (413, "The body is larger than this source accepts."),
    Refusal.LIMITED: (429, "This source has sent more than its limit allows."),
}


class Acknowledgement(web.StreamResponse):
    """JSON in answer to a POST, written in one piece.

    Nearly every request is answered so, and the head hardly changes: aiohttp's own response collects, checks and
    joins it anew each time.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status=status)
        self._json = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write all of it, and wait while the sender takes nothing more."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        head = _head(request.version, self.status, self.reason, self._keep_alive)
        date = rfc822_formatted_time().encode()
        await request.writer.write_eof(head % (len(self._json), date) + self._json)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Add nothing: it is written."""


class LastWord(web.StreamResponse):
    """An answer to who speaks another version than ours: in the form of HTTP/1.1, and then no more."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status=status)
        self._whole = unasked(status, detail)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write all of it."""
        await request.writer.write_eof(self._whole)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Add nothing: it is written."""


@lru_cache
def _head(version: HttpVersion, status: int, reason: str, keeps_alive: bool) -> bytes:
    """Write the head, with marks for length and date. What each version does by itself is not said."""
    headers = JSON_HEADERS | {"Content-Length": "%d", "Date": "%s"}
    if keeps_alive != (version == HttpVersion11):  # RFC 9112, 9.3
        headers["Connection"] = "keep-alive" if keeps_alive else "close"
    lines = [f"HTTP/{version.major}.{version.minor} {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def accepted(receipts: Sequence[Receipt], status: int) -> web.StreamResponse:
    """Say that the event is on disk, or was there already; of several, the ids of all."""
    if status == HTTPStatus.NO_CONTENT:
        return web.Response(status=status, headers=JSON_HEADERS)
    first = receipts[0]
    word = b"duplicate" if all(receipt.is_duplicate for receipt in receipts) else b"accepted"
    ids = b"" if len(receipts) == 1 else b',"ids":' + orjson.dumps([receipt.event_id for receipt in receipts])
    return Acknowledgement(status, b'{"status":"%s","id":"%s"%s}' % (word, first.event_id.encode(), ids))


def without_body(response: web.StreamResponse) -> web.Response:
    """Say the same by status and headers alone, to a vendor that takes a body for a failure."""
    headers = {name: response.headers[name] for name in ("Retry-After",) if name in response.headers}
    return web.Response(status=response.status, headers={"Server": SERVER, **headers})


def said(answer: Answer) -> web.Response:
    """Answer a handshake. What is echoed is never taken for a page."""
    headers = {"Content-Type": answer.content_type, "Server": SERVER, "X-Content-Type-Options": "nosniff"}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def refused(refusal: Refusal, retry_after_s: float = 1.0) -> web.Response:
    """Say that the request was not taken."""
    status, detail = REFUSED[refusal]
    if refusal is Refusal.LIMITED:
        return problem(status, detail, {"Retry-After": str(max(1, round(retry_after_s)))})
    return problem(status, detail)


def unavailable() -> web.Response:
    """Say that the event could not be stored, and when to try again."""
    return problem(503, "The event could not be stored. Send it again.", {"Retry-After": str(STORE_RETRY_AFTER_S)})


def overloaded() -> web.Response:
    """Say that there is too much to do at once, and when to try again."""
    return problem(503, "There is too much to do at once. Send it again.", {"Retry-After": str(BUSY_RETRY_AFTER_S)})


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, *, where: str | None = None
) -> web.Response:
    """Answer with an error in the form of RFC 9457. where: the parameter or field that is wrong."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if where is not None:
        body["where"] = where
    return web.Response(status=status, body=orjson.dumps(body), headers={**PROBLEM_HEADERS, **(headers or {})})


def unasked(status: int, detail: str) -> bytes:
    """Write an answer as it goes over the wire, to what never became a request; then the connection is closed."""
    body = problem(status, detail).body
    assert isinstance(body, bytes)  # noqa: S101 - it was just made
    headers = PROBLEM_HEADERS | {"Content-Length": len(body), "Date": rfc822_formatted_time(), "Connection": "close"}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def data(body: object, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(status=status, body=orjson.dumps(body), headers=JSON_HEADERS)
