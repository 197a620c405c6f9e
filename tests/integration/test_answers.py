"""What an acknowledgement looks like on the wire: what aiohttp's own response would, whichever version is installed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from relay.domain import Receipt
from relay.web import answers
from tests.patience import WAIT_S_MAX

RECEIPT = Receipt("evt_1", is_duplicate=False)
ACCEPTED = b'{"status":"accepted","id":"evt_1"}'
LAST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def on_the_wire(handler: Handler, request: bytes) -> bytes:
    """Return all that is answered to a request, and to a last one that comes with it."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(request + LAST)
    async with asyncio.timeout(WAIT_S_MAX):
        answer = await reader.read()
    writer.close()
    await runner.cleanup()
    return answer


def without_date(answer: bytes) -> list[bytes]:
    return [line for line in answer.split(b"\r\n") if not line.startswith(b"Date: ")]


@pytest.mark.parametrize("is_closing", [False, True])
@pytest.mark.parametrize("status", [200, 201, 204, 299])
@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ],
    ids=["1.1", "1.1 close", "1.0", "1.0 keep-alive"],
)
async def test_an_acknowledgement_is_byte_for_byte_an_ordinary_response(
    request_: bytes, status: int, is_closing: bool
) -> None:
    """It is written by ourselves, at once; no sender may see that."""

    def closing(response: Any) -> Any:  # what aiohttp asks of an answer, both have
        if is_closing:
            response.force_close()
        return response

    async def ours(_: web.BaseRequest) -> Any:
        return closing(answers.accepted([RECEIPT], status))

    async def ordinary(_: web.BaseRequest) -> Any:
        return closing(web.Response(status=status, body=ACCEPTED, headers=answers.JSON_HEADERS))

    expected = await on_the_wire(ordinary, request_)
    told = await on_the_wire(ours, request_)

    assert without_date(expected) == without_date(told)
    assert expected.count(b"\r\nDate: ") == told.count(b"\r\nDate: ")


async def test_a_sender_that_reads_no_answers_is_waited_for() -> None:
    """Who sends on and on without reading must not fill our memory with answers."""
    answered = 0

    async def ours(_: web.BaseRequest) -> Any:
        nonlocal answered
        answered += 1
        return answers.Acknowledgement(200, b" " * 1_000_000)

    runner = web.ServerRunner(web.Server(ours, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2], limit=1)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
    async with asyncio.timeout(WAIT_S_MAX):
        while not answered:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)

    assert answered < 100
    writer.close()
    await runner.cleanup()
