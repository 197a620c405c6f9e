"""What every story of the real program needs: somebody who receives."""

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.sink import Sink, receiving


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with receiving() as sink:
        yield sink
