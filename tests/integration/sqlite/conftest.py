"""What only a file on this machine has: these tests are of SQLite alone."""

from pathlib import Path

import pytest

from tests.storage import SqliteStorage


@pytest.fixture
def storage(tmp_path: Path) -> SqliteStorage:
    return SqliteStorage(tmp_path)
