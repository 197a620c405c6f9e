"""The harness can fail: what is missing, altered, renamed or half there is found, and told."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from tests.faults import invariants
from tests.faults.ledger import Sent
from tests.faults.receivers import Receiver
from tests.faults.requests import BATCH_ITEMS, FAILING, FAST, SLOW, in_turn
from tests.faults.senders import Senders
from tests.faults.site import Site
from tests.storage import SqliteStorage

BODY = b'{"id": 1}'
SENT = Sent("order-1", hashlib.sha256(BODY).digest(), (FAST, SLOW))
EMPTY = """
    CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT);
    CREATE TABLE contents (event_seq INTEGER, body BLOB);
    CREATE TABLE deliveries (event_seq INTEGER, target TEXT, status TEXT, reason TEXT, finished_at INTEGER);
    INSERT INTO events VALUES (1, 'evt_1');
    INSERT INTO contents VALUES (1, x'7b7d');
    INSERT INTO deliveries VALUES (1, 'fast', 'delivered', '', 1), (1, 'slow', 'dead', 'rejected', 1);"""


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """A site on which one event was promised to two targets, taken by one and dead at the other."""
    storage = SqliteStorage(tmp_path)
    await storage.execute(EMPTY)
    receivers = {name: Receiver() for name in (FAST, SLOW, FAILING)}
    made = Site(tmp_path, storage, None, 1, Random(1), receivers, Senders([]))
    made.senders.ledger.acknowledge([SENT], ["evt_1"])
    take(receivers[FAST], "evt_1", BODY)
    return made


def take(receiver: Receiver, event_id: str, body: bytes) -> None:
    receiver.begin(event_id, body, lambda _: None)


async def told(site: Site) -> str:
    return "\n".join(await invariants.breaches(site, keeps_all=True))


async def test_what_arrived_and_what_stands_dead_with_a_reason_is_accounted_for(site: Site) -> None:
    """The two ways in which a promise is kept."""
    assert {("evt_1", FAST)} == invariants.arrived(site)
    assert {("evt_1", SLOW)} == await invariants.dead(site)
    assert {("evt_1", FAST), ("evt_1", SLOW)} == invariants.promised(site.senders.ledger)
    assert "" == await told(site)


async def test_what_is_dead_without_a_reason_is_lost(site: Site) -> None:
    """Nobody could tell its sender what became of it."""
    await site.storage.execute("UPDATE deliveries SET reason = ''")

    assert set() == await invariants.dead(site)


async def test_other_bytes_are_no_arrival_and_are_told(site: Site) -> None:
    """Whether altered from the first copy on, or in the second."""
    site.receivers[FAST].arrivals.clear()
    take(site.receivers[FAST], "evt_1", b"{}")
    assert set() == invariants.arrived(site)
    assert "fast got other bytes" in await told(site)

    site.receivers[FAST].arrivals.clear()
    take(site.receivers[FAST], "evt_1", BODY)
    take(site.receivers[FAST], "evt_1", b"{}")
    assert "fast got other bytes" in await told(site)


async def test_what_was_promised_to_nobody_is_told(site: Site) -> None:
    """An event that was not acknowledged, and one that was not routed there."""
    take(site.receivers[FAST], "evt_2", BODY)
    take(site.receivers[FAILING], "evt_1", BODY)

    assert "fast got what was not acknowledged or not routed there: ['evt_2']" in await told(site)
    assert "failing got what was not acknowledged or not routed there: ['evt_1']" in await told(site)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("INSERT INTO events VALUES (2, 'evt_2')", "2 events are stored, 1 were promised"),
        ("DELETE FROM deliveries WHERE target = 'slow'", "1 deliveries are stored, 2 were promised"),
        ("DELETE FROM contents", "1 events are stored without their bodies"),
    ],
)
async def test_what_is_half_there_is_told(site: Site, change: str, words: str) -> None:
    """A transaction is whole or not at all."""
    await site.storage.execute(change)

    assert words in await told(site)


async def test_a_repeat_that_is_another_event_is_told(site: Site) -> None:
    """The key is the same, and so must be the id."""
    site.senders.ledger.acknowledge([SENT], ["evt_3"])

    assert "a repeat was another event: ['order-1']" in await told(site)


async def test_an_answer_that_no_sender_should_get_is_told(site: Site) -> None:
    """A 4xx makes a sender give up."""
    site.senders.ledger.statuses[400] += 1

    assert "neither 200 nor 503: [(400, 1)]" in await told(site)


def test_what_comes_again_is_counted_as_doubled() -> None:
    """Allowed, and worth knowing."""
    receiver = Receiver()
    for _ in range(3):
        take(receiver, "evt_1", BODY)

    assert 2 == receiver.doubled


def test_the_senders_number_their_events_and_name_what_each_target_gets() -> None:
    """Of a hundred events, five go to the slow target and twelve or so to the failing one, too."""
    requests = in_turn()
    events = [sent for _ in range(30) for sent in next(requests).events]
    due: Mapping[str, int] = {name: sum(name in sent.targets for sent in events) for name in (FAST, SLOW, FAILING)}

    assert len(events) == len({sent.key for sent in events}) == 10 * (2 + BATCH_ITEMS)
    assert {FAST: 420, SLOW: 21, FAILING: 52} == due
