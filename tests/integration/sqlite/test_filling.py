"""A database that the benchmarks fill by hand is one that the real store knows: a change of its schema is seen here."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from relay.domain import DeliveryStatus, Lease
from relay.store.sqlite.store import SqliteStore
from tests.benchmarks.filling import Filling, fill

EVENTS = 5
TARGETS = ("erp", "archive")


async def filled(tmp_path: Path, filling: Filling) -> SqliteStore:
    database = tmp_path / "relay.db"
    await fill(database, filling)
    store = SqliteStore(database, "worker-a")
    await store.open()
    return store


def ids(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [event_id for (event_id,) in connection.execute("SELECT id FROM events ORDER BY seq")]


async def test_pending_deliveries_are_claimed_with_their_events(tmp_path: Path) -> None:
    """Each target gets every event, the oldest first."""
    store = await filled(tmp_path, Filling(EVENTS, TARGETS, is_finished=False, body_bytes=10))
    now = datetime.now(UTC)
    claimed = await store.claim("erp", Lease("worker-a", now + timedelta(minutes=1)), now, 100, 10_000)
    lanes = await store.lanes()
    await store.close()

    assert ids(tmp_path / "relay.db") == [delivery.event.id for delivery in claimed]
    assert {b"x" * 10} == {delivery.event.body for delivery in claimed}
    assert {"erp": EVENTS, "archive": EVENTS} == {target: lane.unfinished for target, lane in lanes.items()}


async def test_finished_events_have_their_whole_story(tmp_path: Path) -> None:
    """Delivered at the first attempt, under a key that is a digest."""
    store = await filled(tmp_path, Filling(EVENTS, TARGETS))
    first, *_ = ids(tmp_path / "relay.db")
    record = await store.event(first)
    await store.close()

    assert record is not None
    assert record.event.key.startswith(b"body:")
    assert [DeliveryStatus.DELIVERED] * 2 == [delivery.status for delivery in record.deliveries]
    assert [1, 1] == [len(delivery.attempts) for delivery in record.deliveries]


async def test_old_events_are_purged_and_recent_ones_are_not(tmp_path: Path) -> None:
    """What retention is measured on."""
    store = await filled(tmp_path, Filling(EVENTS, TARGETS, oldest_days=40, newest_days=35))
    now = datetime.now(UTC)
    await store.purge(now - timedelta(days=50), now, 100, 10_000)
    kept = ids(tmp_path / "relay.db")
    await store.purge(now - timedelta(days=30), now, 100, 10_000)
    await store.close()

    assert EVENTS == len(kept)
    assert [] == ids(tmp_path / "relay.db")


async def test_a_filled_database_is_made_once(tmp_path: Path) -> None:
    """What takes minutes is kept for the next round."""
    database = tmp_path / "relay.db"
    await fill(database, Filling(EVENTS))
    made = ids(database)
    await fill(database, Filling(EVENTS))

    assert made == ids(database)
