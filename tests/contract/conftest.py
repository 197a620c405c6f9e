"""What the contract suites share."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import ManualClock
from tests.pairs import Pair
from tests.servers import Servers
from tests.stages import Props
from tests.storage import SqliteStorage, Storage, postgres_storage

ENGINES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Have real servers at hand: each starts when the first test asks for it."""
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture
def props(clock: ManualClock, tmp_path: Path, servers: Servers) -> Props:
    """Collect what a scene is set with."""
    return Props(clock, tmp_path, servers)


@pytest.fixture(params=[(a, b) for a in ENGINES for b in ENGINES], ids="-to-".join)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """An installation on each engine, and a database on each that it is moved to."""
    with ExitStack() as stack:
        found: list[Storage] = []
        for engine, role in zip(request.param, ("origin", "destination"), strict=True):
            if engine == "sqlite":
                (tmp_path / role).mkdir()
                found.append(SqliteStorage(tmp_path / role))
            else:
                found.append(stack.enter_context(postgres_storage(request.getfixturevalue("postgres"))))
        yield Pair(*found)
