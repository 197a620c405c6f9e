"""What is answered, in one table: receipts, refusals and errors to HTTP."""

from http import HTTPStatus

import orjson
from aiohttp import web

from relay.domain import Receipt, Refusal

SERVER = "relay"  # and no word of what it is made with
JSON_HEADERS = {"Content-Type": "application/json", "Server": SERVER}
PROBLEM_HEADERS = {"Content-Type": "application/problem+json", "Server": SERVER}
STORE_RETRY_AFTER_S = 5

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


def accepted(receipt: Receipt, status: int) -> web.Response:
    """Say that the event is on disk, or was there already."""
    word = b"duplicate" if receipt.is_duplicate else b"accepted"
    body = b'{"status":"%s","id":"%s"}' % (word, receipt.event_id.encode())
    return web.Response(status=status, body=body, headers=JSON_HEADERS)


def refused(refusal: Refusal, retry_after_s: float = 1.0) -> web.Response:
    """Say that the request was not taken."""
    status, detail = REFUSED[refusal]
    if refusal is Refusal.LIMITED:
        return problem(status, detail, {"Retry-After": str(max(1, round(retry_after_s)))})
    return problem(status, detail)


def unavailable() -> web.Response:
    """Say that the event could not be stored, and when to try again."""
    return problem(503, "The event could not be stored. Send it again.", {"Retry-After": str(STORE_RETRY_AFTER_S)})


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with an error in the form of RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return web.Response(status=status, body=orjson.dumps(body), headers={**PROBLEM_HEADERS, **(headers or {})})


def data(body: object, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(status=status, body=orjson.dumps(body), headers=JSON_HEADERS)
