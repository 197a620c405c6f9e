"""What is answered, in one table: receipts, refusals and errors to HTTP."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from http.client import responses

import orjson
from aiohttp import ClientConnectionResetError, HttpVersion, HttpVersion11, web
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


class Whole:
    """An answer that is written in one piece. It has what aiohttp's server asks of an answer, and nothing else."""

    keep_alive: bool | None = None  # None: as whoever asked wishes

    def force_close(self) -> None:
        """Hang up afterwards."""
        self.keep_alive = False

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write all of it, and wait while whoever asked takes nothing more."""
        transport = request.transport
        if transport is None:
            raise ClientConnectionResetError("whoever asked has gone")
        transport.write(self._written_for(request))
        if request.protocol.writing_paused:
            await request.writer.drain()

    async def write_eof(self) -> None:
        """Add nothing: it is written."""

    def _written_for(self, request: web.BaseRequest) -> bytes:
        raise NotImplementedError


class Acknowledgement(Whole):
    """JSON in answer to a POST.

    Nearly every request is answered so, and the head hardly changes: aiohttp's own response collects, checks and
    joins it anew each time.
    """

    def __init__(self, status: int, body: bytes) -> None:
        self._status = status
        self._json = body

    def _written_for(self, request: web.BaseRequest) -> bytes:
        if self.keep_alive is None:
            self.keep_alive = request.keep_alive
        head = _head(request.version, self._status, self.keep_alive)
        return head % (len(self._json), rfc822_formatted_time().encode()) + self._json


class LastWord(Whole):
    """An answer to who speaks another version than ours: in the form of HTTP/1.1, and then no more."""

    def __init__(self, status: int, detail: str) -> None:
        self._whole = unasked(status, detail)
        self.force_close()

    def _written_for(self, request: web.BaseRequest) -> bytes:
        return self._whole


Response = web.StreamResponse | Whole


@lru_cache
def _head(version: HttpVersion, status: int, keeps_alive: bool) -> bytes:
    """Write the head, with marks for length and date. What each version does by itself is not said."""
    headers = JSON_HEADERS | {"Content-Length": "%d", "Date": "%s"}
    if keeps_alive != (version == HttpVersion11):  # RFC 9112, 9.3
        headers["Connection"] = "keep-alive" if keeps_alive else "close"
    lines = [f"HTTP/{version.major}.{version.minor} {status} {responses.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def accepted(receipts: Sequence[Receipt], status: int) -> Response:
    """Say that the event is on disk, or was there already; of several, the ids of all."""
    if status == HTTPStatus.NO_CONTENT:
        return web.Response(status=status, headers=JSON_HEADERS)
    first = receipts[0]
    if len(receipts) == 1:
        is_duplicate, ids = first.is_duplicate, b""
    else:
        is_duplicate = all(receipt.is_duplicate for receipt in receipts)
        ids = b',"ids":' + orjson.dumps([receipt.event_id for receipt in receipts])
    word = b"duplicate" if is_duplicate else b"accepted"
    return Acknowledgement(status, b'{"status":"%s","id":"%s"%s}' % (word, first.event_id.encode(), ids))


def bodiless(status: int) -> web.Response:
    """Say the same by the status alone, to a vendor that takes a body for a failure."""
    return web.Response(status=status, headers={"Server": SERVER})


def without_body(response: web.Response) -> web.Response:
    """Refuse by status and headers alone."""
    bare = bodiless(response.status)
    if "Retry-After" in response.headers:
        bare.headers["Retry-After"] = response.headers["Retry-After"]
    return bare


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
