"""What the contract suites share."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import ManualClock
from tests.servers import Servers
from tests.stages import Props


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Have real servers at hand: each starts when the first test asks for it."""
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture
def props(clock: ManualClock, tmp_path: Path, servers: Servers) -> Props:
    """Collect what a scene is set with."""
    return Props(clock, tmp_path, servers)
