"""Who keeps the public port waiting, and who is too many: on real sockets, with a clock moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

import pytest
from aiohttp import web

from relay.domain import Bounds
from relay.web.admin.problems import problems
from relay.web.crowd import Crowd, Stage
from relay.web.server import QuietRunner
from tests.conftest import ManualClock
from tests.integration.door import Door, opened_door
from tests.patience import WAIT_S_MAX
from tests.sockets import Wire, wired
from tests.storage import OpenStore, SqliteStorage, Storage

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /in/open HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
STRANGERS = "10.0.0.0/8"  # a network that we are not in: nobody here is a proxy

Opening = Callable[..., Awaitable[Door]]
Connect = Callable[[Door], Awaitable[Wire]]


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """One engine: nothing here depends on which."""
    return SqliteStorage(tmp_path)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def opening(stack: AsyncExitStack, storage: Storage, open_store: OpenStore, clock: ManualClock) -> Opening:
    """Open a port with bounds of its own."""

    async def opened(proxies: str = STRANGERS, **bounds: Any) -> Door:
        return await stack.enter_async_context(opened_door(storage, open_store, clock, Bounds(**bounds), proxies))

    return opened


@pytest.fixture
def connect(stack: AsyncExitStack) -> Connect:
    async def connected(door: Door) -> Wire:
        return await stack.enter_async_context(wired(door.url))

    return connected


def framed(header: bytes, body: bytes, source: str = "open") -> bytes:
    return b"POST /in/%s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n%s" % (source.encode(), header, body)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not is_so():
            await asyncio.sleep(0.001)


def stages(door: Door) -> list[Stage]:
    return sorted((caller.stage for caller in door.crowd.callers), key=lambda stage: stage.value)


async def until_stages_are(door: Door, *expected: Stage) -> None:
    await until(lambda: list(expected) == stages(door))


def pass_time(door: Door, seconds: float) -> None:
    """Look, let time pass, and look again, as happens each second."""
    door.crowd.look()
    door.clock.advance(seconds)
    door.crowd.look()


async def test_headers_that_do_not_come_within_their_time_are_answered_408(opening: Opening, connect: Connect) -> None:
    """30 s, and a byte now and then makes it no longer: slow-loris."""
    door = await opening()
    wire = await connect(door)
    await wire.send(b"POST /in/open HTTP/1.1\r\nHo")
    await until(lambda: all(caller.has_begun for caller in door.crowd.callers))
    for byte in b"st: a":
        pass_time(door, 7)
        await wire.send(bytes([byte]))

    assert 408 == await wire.status()
    assert b"" == await wire.rest()
    assert [("", "too slow")] == door.journal.results
    await until_stages_are(door)


async def test_who_connects_and_says_nothing_is_hung_up_on(opening: Opening, connect: Connect) -> None:
    """Without a word: it has asked nothing."""
    door = await opening()
    wire = await connect(door)
    await until_stages_are(door, Stage.HEAD)
    pass_time(door, 29)
    assert await wire.is_open()
    pass_time(door, 1)

    assert b"" == await wire.rest()


async def test_a_body_that_does_not_come_within_its_time_is_answered_408(opening: Opening, connect: Connect) -> None:
    """60 s for all of the request, counted from its first byte; nothing is stored."""
    door = await opening()
    wire = await connect(door)
    await wire.send(POST[:40])
    await until(lambda: all(caller.has_begun for caller in door.crowd.callers))
    pass_time(door, 25)
    await wire.send(POST[40:] + b"{")
    await until_stages_are(door, Stage.BODY)
    pass_time(door, 34)
    assert await wire.is_open()
    pass_time(door, 1)

    assert 408 == await wire.status()
    assert b"" == await wire.rest()
    assert [("", "too slow")] == door.journal.results
    assert 0 == await door.stored()


async def test_a_connection_that_is_not_used_is_closed(opening: Opening, connect: Connect) -> None:
    """75 s after the last answer, silently; a request in between begins the time anew."""
    door = await opening()
    wire = await connect(door)
    for _ in range(3):
        await wire.send(GET)
        assert 200 == await wire.status()
        await until_stages_are(door, Stage.IDLE)
        pass_time(door, 74)
    assert await wire.is_open()
    pass_time(door, 1)

    assert b"" == await wire.rest()
    assert [] == door.journal.results


async def test_empty_lines_do_not_keep_a_connection_open(opening: Opening, connect: Connect) -> None:
    """They may stand before a request (RFC 9112, 2.2), and begin none."""
    door = await opening()
    wire = await connect(door)
    await wire.send(GET)
    assert 200 == await wire.status()
    for _ in range(4):
        await until_stages_are(door, Stage.IDLE)
        pass_time(door, 20)
        wire.writer.write(b"\r\n")

    assert b"" == await wire.rest()


async def test_a_request_that_takes_us_long_is_not_the_senders_fault(
    opening: Opening, connect: Connect, storage: Storage
) -> None:
    """While we work nobody is hung up on."""
    door = await opening()
    wire = await connect(door)
    async with storage.blocked():
        await wire.send(POST + b"{}")
        await until_stages_are(door, Stage.NOTHING)
        pass_time(door, 3600)

    assert await wire.status() in (200, 503)


async def test_who_takes_nothing_of_an_answer_is_hung_up_on(opening: Opening, connect: Connect) -> None:
    """A reader that does not read holds a connection no longer than a sender that does not send."""
    door = await opening()
    wire = await connect(door)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await until_stages_are(door, Stage.HEAD)
    (caller,) = door.crowd.callers
    caller.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)  # type: ignore[attr-defined]
    wire.writer.write(GET * 10_000)  # their answers fill every buffer between us
    await until_stages_are(door, Stage.ANSWER)
    pass_time(door, 60)

    await until_stages_are(door)


async def test_an_idle_connection_makes_room_for_a_new_one(opening: Opening, connect: Connect) -> None:
    """The one that was idle the longest goes first."""
    door = await opening(connections_max=3)
    wires = [await connect(door) for _ in range(3)]
    for wire in wires:
        await wire.send(GET)
        assert 200 == await wire.status()
        pass_time(door, 2)
    newcomer = await connect(door)
    await newcomer.send(GET)

    assert 200 == await newcomer.status()
    assert [False, True, True] == [await wire.is_open() for wire in wires]
    assert [("", "too many connections")] == door.journal.results


async def test_where_everybody_is_at_work_the_new_one_is_turned_away(opening: Opening, connect: Connect) -> None:
    """Nobody whose request is under way, or has just begun, is hung up on."""
    door = await opening(connections_max=2)
    wires = [await connect(door) for _ in range(2)]
    for wire in wires:
        await wire.send(POST)
    await until_stages_are(door, Stage.BODY, Stage.BODY)
    newcomer = await connect(door)

    assert b"" == await newcomer.rest()
    for wire in wires:
        await wire.send(b"{}")
        assert 200 == await wire.status()


async def test_a_slow_sender_makes_room_before_its_time(opening: Opening, connect: Connect) -> None:
    """A full house of slow-loris keeps no genuine sender out."""
    door = await opening(connections_max=5)
    slow = [await connect(door) for _ in range(5)]
    for wire in slow:
        await wire.send(POST[:30])
    await until(lambda: all(caller.has_begun for caller in door.crowd.callers))
    pass_time(door, 2)
    for _ in range(3):
        genuine = await connect(door)
        await genuine.send(POST + b"{}")
        assert 200 == await genuine.status()

    assert 3 == [await wire.is_open() for wire in slow].count(False)


async def test_one_address_can_have_only_so_many_connections(opening: Opening, connect: Connect) -> None:
    """The rest is for the others."""
    door = await opening(connections_per_address_max=2)
    for _ in range(2):
        wire = await connect(door)
        await wire.send(POST)
    await until_stages_are(door, Stage.BODY, Stage.BODY)

    assert b"" == await (await connect(door)).rest()
    assert [("", "too many of one address")] == door.journal.results


async def test_a_trusted_proxy_can_have_as_many_as_there_are(opening: Opening, connect: Connect) -> None:
    """All senders come by its address."""
    door = await opening(proxies="127.0.0.0/8", connections_per_address_max=1)
    for _ in range(5):
        wire = await connect(door)
        await wire.send(POST + b"{}")
        assert 200 == await wire.status()

    assert 5 == len(door.crowd.callers)


async def test_an_address_is_free_again_once_its_connections_are_closed(opening: Opening, connect: Connect) -> None:
    """And nothing is kept of it."""
    door = await opening(connections_per_address_max=1)
    for _ in range(3):
        async with wired(door.url) as wire:
            await wire.send(GET)
            assert 200 == await wire.status()
        await until(lambda: not door.crowd.callers)

    assert not door.crowd.of_address


async def test_more_requests_than_there_may_be_are_told_to_come_again(opening: Opening, connect: Connect) -> None:
    """503 with Retry-After, where all others are at work; a body that keeps us waiting makes room instead."""
    door = await opening(requests_max=1)
    slow, second, third = [await connect(door) for _ in range(3)]
    await slow.send(POST)
    await until_stages_are(door, Stage.HEAD, Stage.HEAD, Stage.BODY)

    await second.send(POST + b"{}")
    answer = await second.answer()
    assert (b" 503 ", True) == (answer[8:13], b"Retry-After: 1" in answer)
    assert b"" == await second.rest()

    pass_time(door, 2)
    await third.send(POST + b"{}")
    assert 200 == await third.status()
    assert 408 == await slow.status()


async def test_a_process_with_much_to_do_is_alive(opening: Opening, connect: Connect) -> None:
    """Liveness is about the process alone: who restarts it for its load loses what is under way."""
    door = await opening(requests_max=1)
    busy, probe = await connect(door), await connect(door)
    await busy.send(POST)
    await until_stages_are(door, Stage.HEAD, Stage.BODY)
    await probe.send(GET)

    assert 200 == await probe.status()


async def test_bodies_have_only_so_much_room_together(opening: Opening, connect: Connect) -> None:
    """The largest alone is taken; one more that does not fit is told to come again, and a small one is taken anyway."""
    door = await opening(bodies_bytes_max=300_000)
    first, second, third = [await connect(door) for _ in range(3)]
    head = framed(b"Content-Length: 900000", b"")
    await first.send(head + b"x" * 200_000)
    await until(lambda: door.inbound._bodies._held == 200_000)
    await second.send(head + b"x" * 200_000)
    assert 503 == await second.status()
    await third.send(POST + b"{}")
    assert 200 == await third.status()
    await first.send(b"x" * 700_000)
    assert 200 == await first.status()
    assert [("open", "unavailable"), ("open", "accepted"), ("open", "accepted")] == door.journal.results

    await until_stages_are(door, Stage.IDLE, Stage.IDLE)
    async with wired(door.url) as too_large, wired(door.url) as broken_off:
        await too_large.send(framed(b"Transfer-Encoding: chunked", b"50\r\n" + b"x" * 80 + b"\r\n", "small"))
        await too_large.send(b"50\r\n" + b"x" * 80 + b"\r\n")
        assert 413 == await too_large.status()
        await broken_off.send(framed(b"Content-Length: 900000", b"x" * 200_000))
    await until_stages_are(door, Stage.IDLE, Stage.IDLE)

    again = await connect(door)
    await again.send(head + b"y" * 900_000)  # more than all, and fits since nothing else is held
    assert 200 == await again.status()


async def test_nothing_more_is_read_than_can_be_answered(opening: Opening, connect: Connect, storage: Storage) -> None:
    """Requests sent ahead wait at their sender, and not in our memory; all are answered, in order."""
    door = await opening()
    wire = await connect(door)
    body = b"x" * 10_000
    request = b"POST /in/open HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n" + body
    async with storage.blocked():
        wire.writer.write(request * 200)
        await until_stages_are(door, Stage.NOTHING)
        await asyncio.sleep(0.05)
        (caller,) = door.crowd.callers
        assert caller.requests <= 40

    assert {200, 503} >= {await wire.status() for _ in range(200)}


async def test_a_head_that_comes_in_pieces_has_an_end(opening: Opening, connect: Connect) -> None:
    """431 with the first piece too many."""
    door = await opening()
    wire = await connect(door)
    await wire.send(GET[:-2])
    for number in range(17):
        wire.writer.write(b"X-%d: " % number + b"x" * 4000 + b"\r\n")
        await asyncio.sleep(0.005)

    assert b"HTTP/1.1 431" == (await wire.rest())[:12]


async def test_a_slow_body_at_any_port_is_answered_408(stack: AsyncExitStack, clock: ManualClock) -> None:
    """The admin port, too, whatever its pages do with a body."""
    told: list[str] = []

    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    application = web.Application(middlewares=[problems])
    application.router.add_post("/", read)
    crowd = Crowd(Bounds(), clock, told.append)
    runner = QuietRunner(application, crowd, told.append)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    wire = await stack.enter_async_context(wired(f"http://{host}:{port}"))
    await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
    await until(lambda: [Stage.BODY] == [caller.stage for caller in crowd.callers])
    crowd.look()
    clock.advance(60)
    crowd.look()

    assert 408 == await wire.status()
    assert b"" == await wire.rest()
    assert ["too slow"] == told


async def test_other_bounds_hold_from_the_next_connection_on(opening: Opening, connect: Connect) -> None:
    """A reload changes every one of them; who is connected is not cut off."""
    door = await opening()
    before = await connect(door)
    await before.send(GET)
    assert 200 == await before.status()
    door.adopt(Bounds(url_bytes_max=256, connections_max=1, idle_s=5))
    pass_time(door, 2)
    after = await connect(door)
    await after.send(b"GET /" + b"x" * 300 + b" HTTP/1.1\r\nHost: a\r\n\r\n")

    assert 414 == await after.status()
    assert b"" == await before.rest()
