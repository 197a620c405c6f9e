"""What another configuration would make of events that are stored already: asked before it is used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from relay.config.misfits import listing
from relay.contents import document_of
from relay.domain import (
    UNREAD,
    Call,
    Delivery,
    Document,
    Event,
    PlannedDelivery,
    Refusal,
    Source,
    Target,
    Verdict,
    new_event_id,
)
from relay.identity import read
from relay.routing import plan
from relay.shaping import Misshapen, Shapes
from relay.store.protocol import EventRecord, Store
from relay.story import is_own

STEP_EVENTS = 200
EVENTS_MAX = 100_000
EXAMPLES_MAX = 3

PARTS: Mapping[str, Callable[[Delivery], object]] = {
    "body": lambda delivery: delivery.event.body,
    "method": lambda delivery: (delivery.call or Call()).method,
    "path": lambda delivery: (delivery.call or Call()).path,
    "query": lambda delivery: (delivery.call or Call()).query,
    "headers": lambda delivery: (delivery.call or Call()).headers,
}


@dataclass(slots=True)
class Difference:
    """What would become of some events that did not become of them. examples: ids, the first ones."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, event_id: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(event_id)


@dataclass(slots=True)
class Comparison:
    """What was found, in words. is_whole: false where there were more events than are looked at."""

    events: int = 0
    is_whole: bool = True
    differences: dict[str, Difference] = field(default_factory=dict)


class Shaping:
    """What routes send of events: the same as the program would, without sending it."""

    def __init__(self, sources: Mapping[str, Source], targets: Mapping[str, Target]) -> None:
        routes = [route for source in sources.values() for route in source.routes]
        self._shapes = {name: Shapes(target, routes) for name, target in targets.items()}

    def of(self, event: Event, planned: PlannedDelivery) -> Delivery | Misshapen | None:
        """Return what would be sent; None where nothing leads from the event's source to the target."""
        if planned.target not in self._shapes:
            return None
        delivery = Delivery(0, event, planned.route, planned.target, 1, 0, planned.due_at, planned.deadline_at)
        found = self._shapes[planned.target].apply(delivery, document_of(event))
        return None if isinstance(found, Misshapen) and not found.key else found


async def compare(
    store: Store,
    sources: Mapping[str, Source],
    since: datetime,
    now: datetime,
    shaping: Shaping | None = None,
    before: Shaping | None = None,
) -> Comparison:
    """Ask the routes of these sources about each event received since a time. Reads only, step by step.

    shaping: theirs. before: that of another configuration, to compare what is sent by both.
    """
    found = Comparison()
    after = new_event_id(since, bytes(10))
    while ids := await store.event_ids(after, STEP_EVENTS):
        for event_id in ids:
            if found.events >= EVENTS_MAX:
                found.is_whole = False
                return found
            record = await store.event(event_id)
            source = sources.get(record.event.source) if record else None
            if record is not None and not is_own(record.event, source):
                found.events += 1
                for words in _differences(record, source, now, shaping, before):
                    found.differences.setdefault(words, Difference()).add(event_id)
        after = ids[-1]
    return found


def _differences(
    record: EventRecord, source: Source | None, now: datetime, shaping: Shaping | None, before: Shaping | None
) -> Iterator[str]:
    if source is None:
        yield f"source {record.event.source}: it would not be there to receive"
        return
    planned = plan(record.event, _document(record, source), source, now)
    was = {delivery.target: delivery.route for delivery in record.deliveries}
    becomes = {delivery.target: delivery.route for delivery in planned.deliveries}
    yield from (f"route {route}: no longer sent to {target}" for target, route in was.items() if target not in becomes)
    yield from (f"route {route}: now sent to {target}" for target, route in becomes.items() if target not in was)
    failed = {route for route, verdict in record.verdicts if verdict is Verdict.FAILED}
    for route, verdict in planned.verdicts:
        if verdict is Verdict.FAILED and route not in failed:
            yield f"route {route}: its expression fails"
    if shaping is not None:
        for delivery in planned.deliveries:
            yield from _reshaped(record.event, delivery, shaping, before)


def _reshaped(event: Event, planned: PlannedDelivery, shaping: Shaping, before: Shaping | None) -> Iterator[str]:
    """Say what of a delivery cannot be sent, or is not what it was."""
    becomes = shaping.of(event, planned)
    was = before.of(event, planned) if before is not None else None
    about = f"route {planned.route}: what {planned.target} gets"
    match becomes, was:
        case Misshapen(), Misshapen():
            return
        case Misshapen(key=key), _:
            yield f"route {planned.route}: nothing could be sent to {planned.target}: its `{key}` fails"
        case Delivery(), Misshapen(key=key):
            yield f"{about} can be shaped: its `{key}` fails no more"
        case Delivery() as new, Delivery() as old:
            changed = [part for part, value in PARTS.items() if value(new) != value(old)]
            if changed:
                yield f"{about} has another {listing(changed, 'and')}"


def _document(record: EventRecord, source: Source) -> Document:
    event = record.event
    if not source.reads_body:
        return UNREAD
    found = read(event.body, event.header("Content-Encoding"), source.body_bytes_max, event.header("Content-Type"))
    return UNREAD if isinstance(found, Refusal) else found
