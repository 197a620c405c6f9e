"""Two versions of the relay on one database, as while processes are upgraded one by one."""

from datetime import timedelta

import orjson
import pytest

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.store.protocol import Store
from relay.store.texts import breaker_to_json
from tests.conftest import START
from tests.storage import Storage

OPEN = Breaker(BreakerState.OPEN, 10, None, START, START + timedelta(seconds=30), 30.0, "unreachable: refused")


async def as_another_version_writes(storage: Storage, text: bytes) -> None:
    await storage.execute(
        f"INSERT INTO lanes (target, is_paused, is_tripped, breaker) VALUES ('erp', false, true, '{text.decode()}')"
    )


@pytest.mark.parametrize("besides", [{"mood": "gloomy"}, {}])
async def test_a_breaker_of_another_version_is_read_and_changed(
    store: Store, storage: Storage, besides: dict[str, str]
) -> None:
    """A word more, or another order of words: it is the same breaker, and must not stay open for ever."""
    told = orjson.loads(breaker_to_json(OPEN)) | besides
    await as_another_version_writes(storage, orjson.dumps(dict(reversed(told.items()))))

    assert OPEN == (await store.lanes())["erp"].breaker
    assert await store.note_breaker("erp", OPEN, CLOSED, START)
    assert CLOSED == (await store.lanes())["erp"].breaker


async def test_a_breaker_of_an_older_version_is_read_and_changed(store: Store, storage: Storage) -> None:
    """What it did not know yet is as it is without being told."""
    told = {name: value for name, value in orjson.loads(breaker_to_json(OPEN)).items() if name != "permits"}
    await as_another_version_writes(storage, orjson.dumps(told))

    assert OPEN == (await store.lanes())["erp"].breaker
    assert await store.note_breaker("erp", OPEN, CLOSED, START)


async def test_who_is_second_is_second_whatever_the_version(store: Store, storage: Storage) -> None:
    """Another breaker is another breaker, however it is written."""
    await as_another_version_writes(storage, orjson.dumps({"state": "open", "failures": 3}))

    assert not await store.note_breaker("erp", OPEN, CLOSED, START)
    assert Breaker(BreakerState.OPEN, 3) == (await store.lanes())["erp"].breaker
