"""A database of a test's own on a real PostgreSQL, and stores on it."""

from collections.abc import Iterator

import pytest

from tests.postgres import Server
from tests.storage import PostgresStorage, postgres_storage


@pytest.fixture
def storage(postgres: Server) -> Iterator[PostgresStorage]:
    with postgres_storage(postgres) as storage:
        yield storage
