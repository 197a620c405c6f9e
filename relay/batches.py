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
    bodies = _written(items)
    if bodies is None:
        return _split_exactly(request, document, batch, bytes_max)
    return [(_part(request, body), Document(item, is_json=True)) for item, body in zip(items, bodies, strict=True)]


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


def _split_exactly(
    request: InboundRequest, document: Document, batch: Expression, bytes_max: int
) -> list[tuple[InboundRequest, Document]] | Refusal:
    """Split with every digit of the integers: orjson reads those over 64 bits as floats.

    What is found among them may be more, fewer or others than among floats: it alone counts.
    """
    body = unpacked(request.body, request.headers.get("Content-Encoding"), bytes_max)
    if not isinstance(body, bytes):
        return Refusal.UNREADABLE
    try:
        bodies = [_written_exactly(item) for item in _items(batch, json.loads(body))]
        parts = [(_part(request, item), Document(orjson.loads(item), is_json=True)) for item in bodies]
    except (RecursionError, ValueError):  # too deep; or a number that an expression has made, and JSON has not
        return Refusal.UNREADABLE
    if len(parts) > ITEMS_MAX:
        return Refusal.TOO_LARGE
    return parts or [(request, document)]


def _written_exactly(item: object) -> bytes:
    return json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _part(request: InboundRequest, body: bytes) -> InboundRequest:
    """Return the request as if the item had come alone: it is no longer packed."""
    headers = request.headers
    if "Content-Encoding" in headers:
        headers = CIMultiDict(headers)
        headers.popall("Content-Encoding")
    return replace(request, headers=headers, body=body)
