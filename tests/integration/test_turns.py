"""Requests that come at once are begun a few in each turn of the event loop, and all of them are answered."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest
from aiohttp import web

from relay.domain import Bounds
from relay.web.crowd import Crowd
from relay.web.server import QuietServer
from relay.web.turns import IN_ONE_TURN
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX

AT_ONCE = 3 * IN_ONE_TURN + 2

Begin = Callable[[web.BaseRequest], None]


@asynccontextmanager
async def serving(clock: ManualClock, begin: Begin) -> AsyncIterator[QuietServer]:
    """Serve; each answer leaves in a later turn than its request began."""

    async def serve(request: web.BaseRequest) -> web.Response:
        begin(request)
        await asyncio.sleep(0)
        return web.Response(text=request.path)

    server = QuietServer(serve, Crowd(Bounds(), clock, lambda _: None), lambda _: None, access_log=None)
    yield server
    await server.shutdown(WAIT_S_MAX)


@contextmanager
def all_at_once(port: int) -> Iterator[list[socket.socket]]:
    """Connect so many; when the event loop turns again, it finds a request from each of them."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(AT_ONCE)]


@pytest.fixture
def turns() -> Counter[int]:
    """How many requests began in each turn of the event loop."""
    return Counter()


@asynccontextmanager
async def counting() -> AsyncIterator[Callable[[], int]]:
    """Count the turns of the event loop."""
    loop, turn, has_ended = asyncio.get_running_loop(), 0, False

    def count() -> None:
        nonlocal turn
        turn += 1
        if not has_ended:
            loop.call_soon(count)

    count()
    yield lambda: turn
    has_ended = True


async def asked(server: QuietServer, then: Callable[[list[socket.socket]], Awaitable[None]]) -> None:
    """Have all send their requests between two turns of the event loop."""
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    with all_at_once(listening.sockets[0].getsockname()[1]) as callers:
        async with asyncio.timeout(WAIT_S_MAX):
            while len(server.connections) < AT_ONCE:
                await asyncio.sleep(0.001)
        for number, caller in enumerate(callers):
            caller.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        await then(callers)
    listening.close()


async def answers(callers: list[socket.socket]) -> list[bytes]:
    """Return what each was answered."""
    loop = asyncio.get_running_loop()
    for caller in callers:
        caller.setblocking(False)
    async with asyncio.timeout(WAIT_S_MAX):
        return [(await loop.sock_recv(caller, 65536)).rpartition(b"\r\n\r\n")[2] for caller in callers]


EVERYBODYS = [b"/%d" % number for number in range(AT_ONCE)]


async def test_a_few_begin_in_each_turn(clock: ManualClock, turns: Counter[int]) -> None:
    """Else none would be on its way to the store before all are judged."""
    async with counting() as turn, serving(clock, lambda _: turns.update([turn()])) as server:

        async def then(callers: list[socket.socket]) -> None:
            assert EVERYBODYS == await answers(callers)

        await asked(server, then)

    assert AT_ONCE == turns.total()
    assert IN_ONE_TURN >= max(turns.values())


async def test_whoever_waits_for_its_turn_is_answered_while_the_server_closes(clock: ManualClock) -> None:
    """What has been read whole is not dropped."""
    begun: list[str] = []

    def begin(request: web.BaseRequest) -> None:
        if not begun:
            server.pre_shutdown()
        begun.append(request.path)

    async with serving(clock, begin) as server:

        async def then(callers: list[socket.socket]) -> None:
            assert EVERYBODYS == await answers(callers)

        await asked(server, then)


async def test_whoever_goes_while_it_waits_holds_up_nobody(clock: ManualClock) -> None:
    """And leaves no error behind."""
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    begun: list[str] = []

    def begin(request: web.BaseRequest) -> None:
        if not begun:
            for protocol in server.connections[IN_ONE_TURN + 1 : 2 * IN_ONE_TURN]:
                assert protocol.transport is not None
                protocol.transport.abort()
        begun.append(request.path)

    async with serving(clock, begin) as server:

        async def then(callers: list[socket.socket]) -> None:
            assert EVERYBODYS[-1:] == await answers(callers[-1:])

        await asked(server, then)

    assert AT_ONCE > len(begun) >= AT_ONCE - IN_ONE_TURN
    assert [] == faults
