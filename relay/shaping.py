"""What a delivery becomes before it is sent: its route's expressions, applied to the event as it is stored.

It is done anew for each attempt, so that a corrected expression is used by the next one; and nothing it can read
changes from one attempt to the next, so that all of them are the same request.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import orjson

from relay.domain import (
    BODILESS,
    METHODS,
    Call,
    Delivery,
    Document,
    Event,
    Expression,
    Route,
    Shape,
    Target,
    Verdict,
)
from relay.errors import ExpressionFailed
from relay.request_path import as_text
from relay.routing import environment, verdict

JSON_TYPE = "application/json"

_DESCRIPTIONS = frozenset({"content-type", "content-encoding"})  # headers that describe the body as it came
_UNSENDABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # RFC 9110, 5.5; a lone surrogate has no bytes


@dataclass(frozen=True, slots=True)
class Misshapen:
    """Why nothing can be sent. key: of the route's, where the reason is an expression of it."""

    reason: str
    key: str = ""


class Shapes:
    """What the routes that lead to one target make of its deliveries."""

    def __init__(self, target: Target, routes: Iterable[Route]) -> None:
        self._default = target.body
        self._routes = [route for route in routes if target.name in {each.name for each in route.targets}]
        self._by_name = {(route.source, route.name): route for route in self._routes}

    def __bool__(self) -> bool:
        """Tell whether any delivery is shaped at all."""
        return self._default is not None or any(route.shape for route in self._routes)

    def passes(self, delivery: Delivery) -> bool:
        """Tell whether a delivery is sent as its event came."""
        route = self._by_name.get((delivery.event.source, delivery.route))
        return route is not None and self._of(route) is None

    def apply(self, delivery: Delivery, document: Document) -> Delivery | Misshapen:
        """Shape a delivery. Of a route that is gone the successor is the first that leads from source to target now."""
        found = environment(delivery.event, document)
        route = self._by_name.get((delivery.event.source, delivery.route)) or self._successor(delivery.event, found)
        if route is None:
            return Misshapen(
                f"nothing was sent: its route {delivery.route} is no longer configured, no other leads here from "
                f"{delivery.event.source}, and what this target gets is shaped by routes; name one so, and replay it"
            )
        shape = self._of(route)
        return delivery if shape is None else shaped(delivery, shape, found)

    def _successor(self, event: Event, found: Mapping[str, object]) -> Route | None:
        own = (route for route in self._routes if route.source == event.source)
        return next((route for route in own if verdict(route, found) is Verdict.MATCHED), None)

    def _of(self, route: Route) -> Shape | None:
        """Return what a route says, with the target's own body where the route has none."""
        if self._default is None or (route.shape is not None and route.shape.body is not None):
            return route.shape
        return replace(route.shape or Shape(), body=self._default)


def shaped(delivery: Delivery, shape: Shape, found: Mapping[str, object]) -> Delivery | Misshapen:
    """Apply every expression. found: what expressions see."""
    event, key = delivery.event, ""
    try:
        key = "body"
        body = event.body if shape.body is None else _body(shape.body, found)
        key = "method"
        method = "POST" if shape.method is None else _method(shape.method, found)
        key = "path"
        path = "" if shape.path is None else str(shape.path(found))
        query = []
        for name, expression in shape.query.items():
            key = f"query.{name}"
            query += _parameter(name, expression, found)
        headers = []
        for name, expression in shape.headers.items():
            key = f"headers.{name}"
            headers += _header(name, expression, found)
    except ExpressionFailed as failed:
        return Misshapen(f"nothing was sent: `{key}` of the route {delivery.route} failed: {failed}", key)
    if shape.body is not None:
        event = _described(event, body, (("Content-Type", JSON_TYPE),))
    elif method in BODILESS:
        event = _described(event, b"", ())
    call = Call(method, path, "&".join(query), tuple(headers)) if shape.needs_call else None
    return replace(delivery, event=event, call=call)


def _described(event: Event, body: bytes, description: tuple[tuple[str, str], ...]) -> Event:
    """Give an event another body, and headers that tell the truth about it."""
    others = [(name, value) for name, value in event.headers if name.lower() not in _DESCRIPTIONS]
    return replace(event, body=body, headers=(*others, *description))


def _body(expression: Expression, found: Mapping[str, object]) -> bytes:
    value = expression(found)
    if value is None:
        raise ExpressionFailed(f"{expression.text}: nothing was found (null)")
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:  # an integer over 64 bits, nesting over 254 levels
        raise ExpressionFailed(f"{expression.text}: what was found cannot be written as JSON") from error


def _method(expression: Expression, found: Mapping[str, object]) -> str:
    method = as_text(expression, found)
    if method not in METHODS:
        raise ExpressionFailed(f"{expression.text}: what was found is no method; expected one of {', '.join(METHODS)}")
    return method


def _parameter(name: str, expression: Expression, found: Mapping[str, object]) -> list[str]:
    value = as_text(expression, found)
    try:
        return [] if value is None else [f"{quote(name, safe='')}={quote(value, safe='')}"]
    except UnicodeEncodeError as error:
        raise ExpressionFailed(f"{expression.text}: text that has no bytes") from error


def _header(name: str, expression: Expression, found: Mapping[str, object]) -> list[tuple[str, str]]:
    value = as_text(expression, found)
    if value is not None and _UNSENDABLE.search(value):
        raise ExpressionFailed(f"{expression.text}: a line break or another character that no header can carry")
    return [] if value is None else [(name, value.strip())]
