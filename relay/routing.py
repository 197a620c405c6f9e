"""Which deliveries an event becomes, and what each route said to it."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

from relay.domain import Document, Event, Expression, Plan, PlannedDelivery, Route, Source, Target, Verdict
from relay.errors import ExpressionFailed
from relay.expressions import is_true

ORDER_CHARACTERS_MAX = 200  # a longer value is known by its digest: it stands in an index, and may be a whole body


def plan(event: Event, document: Document, source: Source, now: datetime) -> Plan:
    """Ask every route of the source, in order. A target that several routes name gets one delivery, by the first."""
    found = environment(event, document) if any(route.when for route in source.routes) else {}
    verdicts: list[tuple[str, Verdict]] = []
    deliveries: dict[str, PlannedDelivery] = {}
    for route in source.routes:
        said = verdict(route, found)
        verdicts.append((route.name, said))
        if said is Verdict.MATCHED:
            for target in route.targets:
                deliveries.setdefault(target.name, _planned(route, target, document, now))
    return Plan(tuple(deliveries.values()), tuple(verdicts))


def _planned(route: Route, target: Target, document: Document, now: datetime) -> PlannedDelivery:
    order = None if target.order_by is None else _order(target.order_by, document)
    return PlannedDelivery(route.name, target.name, due_at=now, deadline_at=now + target.retry.max_age, order=order)


def _order(order_by: Expression, document: Document) -> str | None:
    """Return the value that orders a delivery among others, as JSON; None where there is none, and no order.

    What has no JSON is none either: an integer over 64 bits, or what is nested over 254 levels deep.
    """
    try:
        value = order_by(document.value)
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except (ExpressionFailed, orjson.JSONEncodeError):
        return None
    if value is None or (isinstance(value, list) and all(each is None for each in value)):
        return None
    return text if len(text) <= ORDER_CHARACTERS_MAX else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def verdict(route: Route, found: Mapping[str, object]) -> Verdict:
    """Ask a route. found: what its expressions see, as `environment` makes it."""
    if route.when is None:
        return Verdict.MATCHED
    try:
        return Verdict.MATCHED if is_true(route.when(found)) else Verdict.UNMATCHED
    except ExpressionFailed:
        return Verdict.FAILED


def environment(event: Event, document: Document) -> Mapping[str, object]:
    """Make what a route's expressions see: the body's own fields, overlaid by our names; `body.type` is the body's.

    headers: by lower-case name, the first of each. received_at: ISO 8601.
    """
    fields = document.value if isinstance(document.value, dict) else {}
    return {
        **fields,
        "headers": {name.lower(): value for name, value in reversed(event.headers)},
        "event_id": event.id,
        "source": event.source,
        "type": event.type,
        "received_at": event.received_at.isoformat(),
        "body": document.value,
    }
