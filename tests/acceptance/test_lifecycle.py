"""Starting, stopping, and standing firm while the store cannot: the real program, at its edges."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.acceptance.program import Program, begun, configured, run, session, started
from tests.acceptance.sink import Sink
from tests.patience import WAIT_S_MAX
from tests.storage import Storage

GRACE_S = 10 * WAIT_S_MAX  # who comes back sooner did not wait for it
OPEN: dict[str, Any] = {"verify": "none", "key": "id"}


def parts(sink: Sink, **more: Any) -> dict[str, Any]:
    return {
        "server": {"grace": f"{GRACE_S:.0f}s"},
        "sources": {"shop": OPEN},
        "targets": {"erp": {"url": sink.url, "allow_private": True, "retry": {"base": "100ms"}}},
        "routes": [{"from": "shop", "to": "erp"}],
        **more,
    }


@pytest.fixture
async def relay(tmp_path: Path, storage: Storage, sink: Sink) -> AsyncIterator[Program]:
    program = configured(tmp_path, parts(sink), storage=storage)
    program.begin = begun
    async with started(program):
        yield program


async def post(relay: Program, http: ClientSession, key: str) -> tuple[int, str | None, dict[str, Any]]:
    """Send one event; return status, Retry-After and answer."""
    async with http.post(f"{relay.url}/in/shop", json={"id": key}) as answer:
        return answer.status, answer.headers.get("Retry-After"), await answer.json(content_type=None)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def an_event_under_way(relay: Program, sink: Sink) -> str:
    """Send an event whose delivery its target holds up; return its id."""
    sink.gate.clear()
    async with session() as http:
        _, _, answer = await post(relay, http, "under-way")
    await sink.keeps_somebody_waiting()
    return str(answer["id"])


# ── stopping ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_in_flight_when_asked_to_stop_is_finished(relay: Program, sink: Sink) -> None:
    """A deployment loses nothing and sends nothing twice: both doors finish what they have begun."""
    carried = await an_event_under_way(relay, sink)
    async with connected(relay.port) as (reader, writer):
        writer.write(b'POST /in/shop HTTP/1.1\r\nHost: relay\r\nContent-Length: 12\r\n\r\n{"id": ')
        async with session() as http, http.get(f"{relay.url}/healthz") as answer:  # the half request was read before
            assert 200 == answer.status

        relay.running.send_signal(signal.SIGTERM)
        await relay.has_said("stopping")
        writer.write(b'"12"}')
        head = await asyncio.wait_for(reader.readline(), WAIT_S_MAX)
    sink.gate.set()
    code = await relay.ended()

    assert b"HTTP/1.1 200 OK\r\n" == head
    assert 0 == code
    assert carried in sink.ids
    assert [] == relay.rows("SELECT * FROM deliveries WHERE status = 'sending'")
    assert [(2,)] == relay.rows("SELECT count(*) FROM events")


async def test_no_new_request_is_taken_once_asked_to_stop(relay: Program, sink: Sink) -> None:
    """A balancer sees at once that this one is going, while its last deliveries still finish."""
    await an_event_under_way(relay, sink)
    relay.running.send_signal(signal.SIGTERM)
    await relay.has_said("stopping")

    async with asyncio.timeout(WAIT_S_MAX):
        while await _listens(relay.port):
            await asyncio.sleep(0.02)
    sink.gate.set()

    assert 0 == await relay.ended()


async def _listens(port: int) -> bool:
    try:
        async with connected(port):
            return True
    except ConnectionError:
        return False


async def test_a_second_signal_ends_it_at_once(relay: Program, sink: Sink) -> None:
    """Whoever asks twice does not want to wait; what was in flight goes out again after the next start."""
    event_id = await an_event_under_way(relay, sink)
    relay.running.send_signal(signal.SIGTERM)
    await relay.has_said("stopping")
    relay.running.send_signal(signal.SIGTERM)
    code = await relay.ended()
    sink.gate.set()

    relay.start()
    await relay.is_ready()
    await relay.is_settled()

    assert 1 == code
    assert event_id in sink.ids
    assert [("delivered",)] == relay.rows("SELECT status FROM deliveries")


async def test_a_hangup_does_not_end_it(relay: Program, sink: Sink) -> None:
    """Who sends SIGHUP wants the file read again, and everything to go on."""
    relay.running.send_signal(signal.SIGHUP)

    await relay.has_said("config_reloaded")
    await relay.is_ready()


# ── not starting ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_port_that_is_taken_is_one_clear_line_and_nothing_else(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """Exit 2, before a database is made: a second relay started by mistake leaves no trace."""
    program = configured(tmp_path, parts(sink), storage=storage)
    with closing(socket.create_server(("127.0.0.1", program.port))):
        code, output, errors = await run("serve", "-c", str(program.config))

    assert (2, "") == (code, output)
    (line,) = errors.splitlines()
    assert line.startswith(f"relay: server.listen: 127.0.0.1:{program.port} cannot be listened on: ")
    assert await storage.is_untouched()


async def test_every_fault_of_a_configuration_is_told_and_nothing_is_started(
    tmp_path: Path, storage: Storage, sink: Sink
) -> None:
    """Whoever edits the file mends it in one go, not fault by fault."""
    faulty = parts(sink, routes=[{"from": "shop", "to": "erb"}], sorces={})
    faulty["sources"] = {"shop": {**OPEN, "window": "a week"}, "vendor": {"preset": "getaruond"}}
    program = configured(tmp_path, faulty, storage=storage)
    code, output, errors = await run("serve", "-c", str(program.config))

    faults = [line for line in errors.splitlines() if line.startswith(f"{program.config}:")]
    assert (2, "") == (code, output)
    assert {"routes[0].to", "sorces", "sources.shop.window", "sources.vendor.preset"} == {
        fault.split(": ")[1] for fault in faults
    }
    assert await storage.is_untouched()


# ── a store that cannot ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_while_the_database_is_locked_nothing_is_acknowledged_and_afterwards_all_is_well(
    relay: Program, sink: Sink
) -> None:
    """Another program's lock is answered 503, never 4xx, so that senders try again; no hand is needed after it."""
    async with session() as http:
        async with relay.storage.blocked(), asyncio.TaskGroup() as tasks:
            posting = tasks.create_task(post(relay, http, "refused"))
            told = tasks.create_task(relay.until_readiness_is(503))
        await relay.until_readiness_is(200)
        again = await post(relay, http, "refused")
    await relay.is_settled()

    status, retry_after, _ = posting.result()
    assert (503, True) == (status, int(retry_after or 0) > 0)
    assert told.result()["checks"]["store"]["ok"] is False
    assert (200, "accepted") == (again[0], again[2]["status"])
    assert {again[2]["id"]} == sink.ids
