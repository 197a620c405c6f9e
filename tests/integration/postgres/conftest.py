"""A database of a test's own on a real PostgreSQL, and stores on it."""

from collections.abc import Iterator

import pytest
import trustme

from tests.ports import free_port
from tests.postgres import OLDEST, Server, running
from tests.storage import PostgresStorage, postgres_storage


@pytest.fixture
def storage(postgres: Server) -> Iterator[PostgresStorage]:
    with postgres_storage(postgres) as storage:
        yield storage


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def oldest(authority: trustme.CA) -> Iterator[Server]:
    """A server of the oldest version that we support, which proves to be localhost to those who ask."""
    with running(free_port(), OLDEST, certificate=authority.issue_cert("localhost")) as server:
        yield server
