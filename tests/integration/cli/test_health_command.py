"""`relay health`: what a person asks, and what a container is watched by."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from click.testing import Result

Ask = Callable[..., Awaitable[Result]]

WELL = {"ok": True, "detail": "commits"}
ILL = {"ok": False, "detail": "10 MiB are left of the 256 MiB that must be"}


@pytest.fixture
def ask(call: Callable[..., Result], folder: Path) -> Ask:
    """Call `relay health` beside a running loop, with a configuration that listens at a port."""

    async def ask_relay(port: int, *arguments: str) -> Result:
        (folder / "here.yaml").write_text(f"server: {{listen: '0.0.0.0:{port}'}}\n")
        return await asyncio.to_thread(call, "health", "-c", "here.yaml", *arguments)

    return ask_relay


def told(status: int, document: Any) -> Handler:
    """Answer /readyz as a relay, or something else, would."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return answer


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """Serve /readyz on a free port."""
    application = web.Application()
    application.router.add_get("/readyz", handler)
    async with TestServer(application) as server:
        assert server.port is not None
        yield server.port


@asynccontextmanager
async def speaking(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """Listen on a free port, and say to the first who calls whatever it is."""
    is_over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        is_over.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await is_over.wait()


async def test_a_relay_that_is_ready_is_told_by_exit_code_0(ask: Ask) -> None:
    """It is asked where the configuration says that it listens; every interface means this machine, too."""
    async with listening(told(200, {"status": "ready", "checks": {"store": WELL}})) as port:
        result = await ask(port)

    assert 0 == result.exit_code
    assert f"ready: http://127.0.0.1:{port}\n" == result.stdout


async def test_a_relay_that_is_not_ready_says_why(ask: Ask) -> None:
    """One line with every reason, and exit code 1."""
    checks = {"store": WELL, "disk": ILL, "running": {"ok": False, "detail": "stopping"}}
    async with listening(told(503, {"status": "unready", "checks": checks})) as port:
        result = await ask(port)

    assert 1 == result.exit_code
    assert f"not ready: disk: {ILL['detail']}; running: stopping\n" == result.stdout


async def test_programs_read_every_check(ask: Ask) -> None:
    """As /readyz tells them."""
    async with listening(told(503, {"status": "unready", "checks": {"store": WELL, "disk": ILL}})) as port:
        result = await ask(port, "--json")

    assert 1 == result.exit_code
    assert {"ready": False, "checks": {"store": WELL, "disk": ILL}} == json.loads(result.stdout)


@pytest.mark.parametrize("document", [{"status": "DOWN", "checks": [{"name": "db"}]}, "down", []])
async def test_what_is_no_relay_is_not_taken_for_one(ask: Ask, document: object) -> None:
    """Another program may have the port."""
    async with listening(told(503, document)) as port:
        result = await ask(port)

    assert 1 == result.exit_code
    assert "not ready: /readyz was answered 503; is this a relay?\n" == result.stdout


async def test_no_answer_is_told_with_the_place(ask: Ask) -> None:
    """Nothing listens: a supervisor sees 1, a person what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    result = await ask(port)

    assert 1 == result.exit_code
    assert (
        f"Error: no answer from http://127.0.0.1:{port} (Connection refused). Is `relay serve` running?\n"
        == result.stderr
    )


async def test_a_port_that_is_given_at_the_start_must_be_named(ask: Ask) -> None:
    """A configuration with port 0, as that of `relay demo`, does not know it."""
    assert "Its port is given to it when it starts: name it by --url" in (await ask(0)).stderr


async def test_a_relay_that_hangs_is_not_waited_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe must end before who asked it gives up."""
    monkeypatch.setattr("relay.cli.health.ANSWER_S_MAX", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = await ask(silent.getsockname()[1])

    assert 1 == result.exit_code
    assert "(it took too long)" in result.stderr


async def test_a_relay_that_answers_byte_by_byte_is_not_waited_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them comes in time; all of them never would."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.01)

    monkeypatch.setattr("relay.cli.health.ANSWER_S_MAX", 0.2)
    async with speaking(drip) as port:
        result = await ask(port)

    assert 1 == result.exit_code
    assert "(it took too long)" in result.stderr


async def test_what_speaks_no_http_is_not_taken_for_a_relay(ask: Ask) -> None:
    """Nor is what it says shown: a terminal would obey it."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 \x1b[31mmail\r\n")
        await reader.read()

    async with speaking(greet) as port:
        result = await ask(port)

    assert 1 == result.exit_code
    assert "(what it said is no HTTP)" in result.stderr


@pytest.mark.parametrize("url", ["localhost:8080", "http://localhost:808080", "http://[::1", "ftp://localhost:8080"])
def test_a_url_that_is_none_is_told(call: Callable[..., Result], url: str) -> None:
    """Before anything is asked."""
    result = call("health", "--url", url)

    assert 2 == result.exit_code
    assert "expected http://HOST:PORT" in result.stderr


async def test_a_relay_elsewhere_can_be_asked(ask: Ask) -> None:
    """Then nothing of the configuration is needed."""
    async with listening(told(200, {"status": "ready", "checks": {}})) as port:
        result = await ask(1, "--url", f"http://localhost:{port}/")

    assert 0 == result.exit_code
    assert f"ready: http://localhost:{port}\n" == result.stdout
