"""Several relays on one database, and what they promised together."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.program import Program, configured, started
from tests.acceptance.sink import Sink
from tests.acceptance.vendors import SOURCES, Ledger
from tests.storage import Storage

RETRY = {"base": "100ms", "cap": "500ms", "max_age": "1h"}
LEASE_LOST = '"event":"lease_lost"'
UNFINISHED = "SELECT target, status, count(*) FROM deliveries WHERE status <> 'delivered' GROUP BY 1, 2"
LOST = """
    SELECT e.id, d.target FROM attempts a JOIN deliveries d ON d.id = a.delivery_id JOIN events e ON e.seq = d.event_seq
    WHERE a.outcome = 'lost'"""


def all_to(**sinks: Sink) -> dict[str, Any]:
    """Send every event of both vendors to each of these targets."""
    targets = {name: {"url": sink.url, "allow_private": True, "retry": RETRY} for name, sink in sinks.items()}
    return {"sources": SOURCES, "targets": targets, "routes": [{"from": list(SOURCES), "to": list(targets)}]}


@asynccontextmanager
async def replicas(
    folder: Path, storage: Storage, parts: dict[str, Any], count: int = 2
) -> AsyncIterator[list[Program]]:
    """Run some, each on ports of its own."""
    programs = [configured(folder, parts, name=f"replica-{number}", storage=storage) for number in range(1, count + 1)]
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(started(program)) for program in programs]


def missing_from(sink: Sink, ledger: Ledger) -> Sequence[tuple[str, str]]:
    """List what was promised and did not arrive, as it was sent; the first few."""
    return sorted(ledger.promised - {(arrival.event_id, arrival.digest) for arrival in sink.arrivals})[:5]


def twice(sink: Sink) -> set[str]:
    """Return the events that a target took more than once."""
    times = Counter(arrival.event_id for arrival in sink.arrivals)
    return {event_id for event_id, count in times.items() if count > 1}


def lost_on_the_way(relays: Sequence[Program]) -> set[tuple[str, str]]:
    """Return event and target of every attempt that was taken for lost, also where its worker came back to tell."""
    told = (json.loads(line) for relay in relays for line in relay.log.read_text().splitlines() if LEASE_LOST in line)
    return {*relays[0].rows(LOST), *((line["event_id"], line["target"]) for line in told)}


def assert_kept(ledger: Ledger, relays: Sequence[Program], **sinks: Sink) -> None:
    """Insist that everything promised arrived, once but for what was lost on the way, and under one name."""
    lost = lost_on_the_way(relays)
    doubled = {(event_id, name) for name, sink in sinks.items() for event_id in twice(sink)}
    print(
        f"{len(ledger.promised):,} acknowledged, {ledger.statuses[503]:,} refused, {ledger.unanswered:,} unanswered, "
        f"{len(lost)} attempts lost, {len(doubled)} deliveries doubled"
    )
    assert ledger.statuses.keys() <= {200, 503}
    assert {} == {name: missing for name, sink in sinks.items() if (missing := missing_from(sink, ledger))}
    assert set() == doubled - lost
    assert {} == ledger.named_twice
    assert {} == {name: named for name, sink in sinks.items() if (named := sink.named_twice)}
    assert [] == relays[0].rows(UNFINISHED)
