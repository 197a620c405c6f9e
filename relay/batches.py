"""One request that carries many events: taken apart, so that each is stored, named and delivered on its own."""

import json
from dataclasses import replace

import orjson
from multidict import CIMultiDict

from relay.domain import Document, Expression, InboundRequest, Refusal
from relay.errors import ExpressionFailed
from relay.identity import has_inexact_number, unpacked

ITEMS_MAX = 10_000


def split(
    request: InboundRequest, document: Document, batch: Expression, bytes_max: int
) -> list[tuple[InboundRequest, Document]] | Refusal:
    """Return a request for each item that the expression finds; the request itself where it finds none.

    An item's body is its JSON, compact, in the order of its keys as they came; see docs/decisions/0033.
    """
    items = _items(batch, document.value)
    if not items:
        return [(request, document)]
    if len(items) > ITEMS_MAX:
        return Refusal.TOO_LARGE
    written = _written(items) or _written_exactly(request, batch, bytes_max)
    if isinstance(written, Refusal):
        return written
    parts = zip(items, written, strict=True)
    return [(_part(request, body), Document(item, is_json=True)) for item, body in parts]


def _items(batch: Expression, value: object) -> list[object]:
    try:
        found = batch(value)
    except ExpressionFailed:
        return []
    return found if isinstance(found, list) else []


def _written(items: list[object]) -> list[bytes] | None:
    """Write items as JSON; None where orjson would write another number, or cannot go so deep."""
    try:
        written = [orjson.dumps(item) for item in items]
    except orjson.JSONEncodeError:
        return None
    return None if has_inexact_number(items) else written


def _written_exactly(request: InboundRequest, batch: Expression, bytes_max: int) -> list[bytes] | Refusal:
    """Write items with every digit of their integers: orjson reads those over 64 bits as floats."""
    body = unpacked(request.body, request.headers.get("Content-Encoding"), bytes_max)
    if not isinstance(body, bytes):
        return Refusal.UNREADABLE
    try:
        items = _items(batch, json.loads(body))
        return [json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode() for item in items]
    except RecursionError:
        return Refusal.UNREADABLE


def _part(request: InboundRequest, body: bytes) -> InboundRequest:
    """Return the request as if the item had come alone: it is no longer packed."""
    headers = request.headers
    if "Content-Encoding" in headers:
        headers = CIMultiDict(headers)
        headers.popall("Content-Encoding")
    return replace(request, headers=headers, body=body)
