"""What only a file can suffer: it is taken away, or read by others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.errors import StoreUnavailable
from relay.headroom import Headroom
from relay.store.sqlite.store import SqliteStore
from tests.builders import a_plan, an_event
from tests.conftest import START, ManualClock
from tests.integration.journal import Journal
from tests.integration.test_maintenance import a_maintenance


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "relay.db", "worker-a")
    await store.open()
    yield store
    await store.close()


async def test_a_file_that_is_gone_is_not_taken_for_durable(store: SqliteStore, tmp_path: Path) -> None:
    """Writing to a deleted file succeeds and is lost at the next start: the probe must see it."""
    (tmp_path / "relay.db").rename(tmp_path / "moved.db")

    with pytest.raises(StoreUnavailable, match="gone"):
        await store.probe(START)
    with pytest.raises(StoreUnavailable, match="gone"):
        store.free_bytes()


async def test_what_is_stored_is_for_its_owner_alone(store: SqliteStore, tmp_path: Path) -> None:
    """The database holds every invoice."""
    await store.accept(an_event(), a_plan(), {})

    assert {0o600} == {file.stat().st_mode & 0o777 for file in tmp_path.glob("relay.db*") if file.is_file()}


async def test_a_database_that_is_gone_ends_all_promises(
    store: SqliteStore, clock: ManualClock, tmp_path: Path
) -> None:
    """What is written to a deleted file is lost at the next start: better no answer than a false one."""
    headroom = Headroom(backlog_max=10, disk_free_min=0)
    maintenance = a_maintenance(store, clock, Journal(), headroom)
    (tmp_path / "relay.db").rename(tmp_path / "moved.db")

    with pytest.raises(StoreUnavailable):
        await maintenance.see_room()
    assert "is gone" in str(headroom.shortage)

    (tmp_path / "moved.db").rename(tmp_path / "relay.db")
    await maintenance.see_room()
    assert None is headroom.shortage
