"""One target's connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.connector import Connection
from yarl import URL

from relay.domain import HttpTarget
from relay.targets.dialling import Guard
from relay.targets.exchange import Answers, answers_of
from relay.targets.pool import Pool
from tests.receiver import hangs, receiving

CONNECTIONS_MAX = 2


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    guard = Guard(HttpTarget(name="erp", allow_private=True))
    async with receiving(hangs) as receiver:
        pool = Pool(URL(receiver.url), guard, CONNECTIONS_MAX)
        yield pool
        await pool.aclose()
    await guard.close()


async def taken(pool: Pool, within_s: float = 5.0) -> Connection:
    return await pool.take(asyncio.get_running_loop().time() + within_s)


async def test_connections_are_read_our_way(pool: Pool) -> None:
    """The place in aiohttp to say so is a private one: should it go, this tells before a target does."""
    connection = await taken(pool)
    assert isinstance(connection.protocol, Answers)
    pool.give_back(connection)


async def test_the_connection_used_last_is_used_first(pool: Pool) -> None:
    """It is the least likely to have been closed meanwhile, and the others may grow old."""
    first, second = await taken(pool), await taken(pool)
    pool.give_back(first)
    pool.give_back(second)

    assert [second, first] == [await taken(pool), await taken(pool)]
    for connection in (first, second):
        pool.give_back(connection)


async def test_who_waits_gets_what_is_given_back(pool: Pool) -> None:
    """Where all are in use, one that is given back goes to who waits, not to rest."""
    first, second = await taken(pool), await taken(pool)
    waiting = asyncio.create_task(taken(pool))
    await asyncio.sleep(0)
    answers = answers_of(first)
    pool.give_back(first)
    third = await waiting

    assert answers is third.protocol
    for connection in (second, third):
        pool.give_back(connection)


async def test_connections_that_broke_make_room(pool: Pool) -> None:
    """Whether in use or idle: a target that restarts must not use up what it allows."""
    broken = [await taken(pool), await taken(pool)]
    pool.give_back(broken[0])
    for connection in broken:
        answers_of(connection).break_off()
    pool.give_back(broken[1])

    for connection in [await taken(pool), await taken(pool)]:
        assert not connection.closed
        pool.give_back(connection)


async def test_waiting_has_an_end(pool: Pool) -> None:
    """One deadline for an attempt, wherever it spends its time."""
    in_use = [await taken(pool), await taken(pool)]
    with pytest.raises(TimeoutError):
        await taken(pool, within_s=0.01)
    for connection in in_use:
        pool.give_back(connection)
