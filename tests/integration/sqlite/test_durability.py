"""Promise 1 at its root: what the disk has not said that it keeps is not accepted."""

import errno
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.errors import StoreUnavailable
from relay.store.sqlite.store import SqliteStore
from tests.builders import a_plan, an_event
from tests.preloaded import Panel
from tests.storage import SqliteStorage


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Panel:
    """A disk that can fail, for the process that writes."""
    panel = Panel(tmp_path)
    for name, value in panel.environment.items():
        monkeypatch.setenv(name, value)
    return panel


@pytest.fixture
async def store(panel: Panel, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "relay.db", "worker-a")
    await store.open()
    yield store
    panel.set(sync_errno=0)
    await store.close()


async def test_nothing_is_accepted_that_the_disk_does_not_keep(
    store: SqliteStore, panel: Panel, tmp_path: Path
) -> None:
    """Each commit waits for its fsync: without it an event that was acknowledged is lost when the power fails.

    SQLite may find what it could not promise in its log all the same: whole, and a repeat of it is one event.
    """
    await store.accept(an_event(key="one"), a_plan(), {})
    panel.set(sync_errno=errno.EIO)
    with pytest.raises(StoreUnavailable):
        await store.accept(an_event(key="two"), a_plan(), {})

    panel.set(sync_errno=0)
    again = await store.accept(an_event(key="two"), a_plan(), {})
    record = await store.event(again.event_id)
    assert record is not None
    assert 1 == len(record.deliveries)
    assert [(2,)] == await SqliteStorage(tmp_path).rows("SELECT count(*) FROM events")


async def test_what_was_not_kept_takes_nothing_with_it_that_was(
    store: SqliteStore, panel: Panel, tmp_path: Path
) -> None:
    """What a disk has failed to sync once is never written again: the log must not go on behind it."""
    log = tmp_path / "relay.db-wal"
    await store.accept(an_event(key="one"), a_plan(), {})
    kept_bytes = log.stat().st_size
    panel.set(sync_errno=errno.EIO)
    with pytest.raises(StoreUnavailable):
        await store.accept(an_event(key="two"), a_plan(), {})
    never_written = log.read_bytes()[kept_bytes:]
    panel.set(sync_errno=0)
    await store.accept(an_event(key="three"), a_plan(), {})

    after_a_power_cut = SqliteStorage(tmp_path / "after")
    after_a_power_cut.path.parent.mkdir()
    shutil.copy(tmp_path / "relay.db", after_a_power_cut.path)
    torn = log.read_bytes().replace(never_written, bytes(len(never_written)))
    after_a_power_cut.path.with_name("relay.db-wal").write_bytes(torn)

    assert [(b"three",)] == await after_a_power_cut.rows("SELECT key FROM events WHERE key = CAST('three' AS BLOB)")
