"""What another configuration would make of events that are stored already: asked before it is used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from relay.domain import OWN_SOURCE, UNREAD, Document, Refusal, Source, Verdict, new_event_id
from relay.identity import read
from relay.routing import plan
from relay.store.protocol import EventRecord, Store

STEP_EVENTS = 200
EVENTS_MAX = 100_000
EXAMPLES_MAX = 3


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


async def compare(store: Store, sources: Mapping[str, Source], since: datetime, now: datetime) -> Comparison:
    """Ask the routes of these sources about each event received since a time. Reads only, step by step."""
    found = Comparison()
    after = new_event_id(since, bytes(10))
    while ids := await store.event_ids(after, STEP_EVENTS):
        for event_id in ids:
            if found.events >= EVENTS_MAX:
                found.is_whole = False
                return found
            record = await store.event(event_id)
            if record is not None and record.event.source != OWN_SOURCE:
                found.events += 1
                for words in _differences(record, sources.get(record.event.source), now):
                    found.differences.setdefault(words, Difference()).add(event_id)
        after = ids[-1]
    return found


def _differences(record: EventRecord, source: Source | None, now: datetime) -> Iterator[str]:
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


def _document(record: EventRecord, source: Source) -> Document:
    event = record.event
    if not source.reads_body:
        return UNREAD
    found = read(event.body, event.header("Content-Encoding"), source.body_bytes_max, event.header("Content-Type"))
    return UNREAD if isinstance(found, Refusal) else found
