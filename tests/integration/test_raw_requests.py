"""The public door on raw sockets: what no HTTP client would send, or only a slow or broken one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from relay.web.crowd import Stage
from tests.integration.door import Door
from tests.patience import WAIT_S_MAX

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def connection(door: Door) -> AsyncIterator[Connection]:
    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield reader, writer
    writer.close()


async def answer_to(connection: Connection, request: bytes) -> bytes:
    reader, writer = connection
    writer.write(request)
    async with asyncio.timeout(WAIT_S_MAX):
        return await reader.read(4096)


async def until_a_body_comes(door: Door) -> None:
    """Come back once the head of a request was read, and its body is waited for."""
    async with asyncio.timeout(WAIT_S_MAX):
        while [Stage.BODY] != [caller.stage for caller in door.crowd.callers]:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /in/shop/tok-CANARY HTTQ/1.1\r\nHost: a\r\n\r\n",
        b"CANARY\r\n\r\n",
        b"POST /in/shop HTTP/1.1\r\nHost: a\r\nX-K: CANARY\x01\r\n\r\n",
        b"POST /in/shop HTTP/1.1\r\nHost: a\r\nAuthorization : Basic CANARY\r\n\r\n",
        b"POST /in/shop HTTP/1.1\r\nHost: a\r\nX-K: CANARY" + b"x" * 9000 + b"\r\n\r\n",
        b"POST /in/shop?CANARY" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["version", "nonsense", "control", "space", "long header", "long url"],
)
async def test_what_is_no_request_is_neither_echoed_nor_logged(
    door: Door, connection: Connection, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A stranger's bytes, among them mistyped secrets, go nowhere; the answer is a problem like any other."""
    answer = await answer_to(connection, request_)

    assert b" 4" == answer[8:10]
    assert b"application/problem+json" in answer
    assert b"Server: relay" in answer
    assert b"CANARY" not in answer
    assert "CANARY" not in caplog.text
    assert ("", "unreadable") in door.journal.results


async def test_a_chunk_too_many_is_answered_at_once(connection: Connection) -> None:
    """413 with the first piece that is too much, not with the next that never comes."""
    head = b"POST /in/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b"HTTP/1.1 413" == (await answer_to(connection, head + b"ff\r\n" + b"x" * 255 + b"\r\n"))[:12]


async def test_a_sender_that_asks_first_is_told_to_go_on(connection: Connection) -> None:
    """`Expect: 100-continue`: curl waits a second for it, others for ever."""
    head = b"POST /in/open HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    assert b"HTTP/1.1 100 Continue\r\n\r\n" == await answer_to(connection, head)
    assert b"HTTP/1.1 200" == (await answer_to(connection, b"{}"))[:12]


async def test_a_sender_that_asks_first_is_spared_a_body_that_is_too_large(connection: Connection) -> None:
    """413 instead of 100."""
    head = b"POST /in/small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n"
    assert b"HTTP/1.1 413" == (await answer_to(connection, head))[:12]


async def test_nothing_else_can_be_expected(connection: Connection) -> None:
    """417, as RFC 9110 has it."""
    head = b"POST /in/open HTTP/1.1\r\nHost: a\r\nExpect: bananas\r\nContent-Length: 2\r\n\r\n{}"
    assert b"HTTP/1.1 417" == (await answer_to(connection, head))[:12]


async def test_a_wrong_token_is_refused_before_the_body_is_read(door: Door, connection: Connection) -> None:
    """What can be told to be forged by its head costs no memory; and it is counted once."""
    head = b"POST /in/collector/wrong-token HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    assert b"HTTP/1.1 401" == (await answer_to(connection, head))[:12]
    assert [("collector", "mismatch")] == door.journal.results


async def test_a_sender_that_hangs_up_is_counted_and_nothing_more(
    door: Door, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """No traceback for a phone that lost its network."""
    _, writer = connection
    writer.write(b"POST /in/shop HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf of")
    await until_a_body_comes(door)
    writer.close()
    await writer.wait_closed()

    async with asyncio.timeout(WAIT_S_MAX):
        while ("", "broken off") not in door.journal.results:
            await asyncio.sleep(0.001)
    assert [] == caplog.records
    assert 0 == await door.stored()


async def test_a_chunk_that_is_broken_later_is_a_400_too(door: Door, connection: Connection) -> None:
    """Who reads a body that can never become whole must not wait for its end."""
    _, writer = connection
    head = b"POST /in/shop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head + b"3\r\nabc\r\n")
    await until_a_body_comes(door)

    assert b" 400" == (await answer_to(connection, b"zz\r\n"))[8:12]
    assert 0 == await door.stored()


async def test_broken_chunks_are_a_400(connection: Connection) -> None:
    """Never a 5xx by anything that a stranger sends."""
    head = b"POST /in/shop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 400" == (await answer_to(connection, head + b"zz\r\n"))[8:12]
