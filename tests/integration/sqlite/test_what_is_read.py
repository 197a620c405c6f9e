"""What an operator asks of a long history costs a few steps of SQLite's machine, however long it is."""

import sqlite3

from relay.store.sqlite.booking import last_minutes
from tests.storage import SqliteStorage

MINUTES = 10_000  # a week's, of each source
STEPS_MAX = 1000


async def test_when_a_source_last_sent_something_is_read_without_its_minutes(storage: SqliteStorage) -> None:
    """A seek for each source and result: it is asked every few seconds, and by every page with sources on it."""
    store = storage.store("worker-a")
    await store.open()
    await store.close()
    with sqlite3.connect(storage.path) as connection:
        connection.execute(FILL, {"minutes": MINUTES})
        steps: list[None] = []
        connection.set_progress_handler(lambda: steps.append(None), 1)

        found = last_minutes(connection, "event")

    assert [(name, "accepted", MINUTES * 60_000) for name in ("bank", "shop")] == found
    assert len(steps) < STEPS_MAX


FILL = """
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :minutes)
    INSERT INTO minutes (at, what, name, result, count, seconds)
    SELECT n * 60000, what, name, 'accepted', 1, 0
    FROM number, (SELECT 'event' AS what, 'shop' AS name UNION ALL SELECT 'event', 'bank'
        UNION ALL SELECT 'delivery', 'erp')"""
