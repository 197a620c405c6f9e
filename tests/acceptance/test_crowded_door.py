"""The real program with too many at its door: those who ask for nothing, those who lie, and no file left to open."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.acceptance.hostile import PROBE, SIGNATURE, SOURCES, post, signed
from tests.acceptance.program import Program, begun, configured
from tests.acceptance.wire import Wire
from tests.patience import WAIT_S_MAX

SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
CONNECTIONS_MAX = min(2000, HARD - 600)
DOZEN = 12
FORGED = post("/in/shop", b'{"forged":"%s"}' % (b"x" * 2000), signed(b"0" * 64))
GENUINE = post("/in/shop", headers=signed(SIGNATURE))


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program, which is crowded in one way after the other."""
    program = configured(tmp_path_factory.mktemp("crowded"), {"sources": SOURCES, "quarantine": {"count": 100}})
    document = json.loads(program.config.read_text())
    document["server"] |= {"connections_max": CONNECTIONS_MAX, "connections_per_address_max": 2 * CONNECTIONS_MAX}
    program.config.write_text(json.dumps(document))
    program.begin = begun
    program.start()  # with as few open files as a shell gives: it asks for more by itself
    resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))
    try:
        asyncio.run(program.is_ready())
        yield program
    finally:
        program.kill()
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, HARD))


def asked(port: int, request: bytes = PROBE) -> int:
    """Send one request on a connection of its own; return its status."""
    with Wire(port) as wire:
        wire.send(request)
        return wire.answer()[0]


def until_answered(port: int) -> None:
    """Come again until there is room, as a sender does."""
    deadline_s = time.monotonic() + WAIT_S_MAX
    while True:
        with suppress(OSError, AssertionError):
            assert 200 == asked(port)
            return
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@contextmanager
def crowd(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connect so often, and say nothing."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port), WAIT_S_MAX)) for _ in range(count)]


def lines(relay: Program, event: str) -> list[dict[str, object]]:
    return [line for text in relay.log.read_text().splitlines() if (line := json.loads(text))["event"] == event]


def memory_bytes(relay: Program) -> int:
    """Return what the program and its writer hold in memory. Source: proc(5)."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in (relay.running.pid, relay.writer_pid)]
    return sum(pages) * resource.getpagesize()


def disk_bytes(relay: Program) -> int:
    return sum(path.stat().st_size for path in relay.database.parent.glob(f"{relay.database.name}*"))


def flood(relay: Program, count: int) -> None:
    """Send forged requests as fast as they are answered, over a few connections."""
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(relay.port)) for _ in range(DOZEN)]
        for _ in range(count // DOZEN):
            for wire in wires:
                wire.send(FORGED)
            for wire in wires:
                assert 401 == wire.answer()[0]


def test_thousands_who_say_nothing_keep_nobody_out(relay: Program) -> None:
    """As many connections as there may be: the operator gets in, and so does every genuine sender."""
    with crowd(relay.port, CONNECTIONS_MAX):
        assert 200 == asked(relay.admin_port)
        until_answered(relay.port)  # nobody is hung up on who came just now
        for _ in range(100):
            assert 200 == asked(relay.port, GENUINE)
        assert 200 == asked(relay.port)
        assert 200 == asked(relay.admin_port, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    assert {"too many connections"} == {line["reason"] for line in lines(relay, "cut_off")}


def test_a_flood_of_forgeries_costs_no_memory_no_disk_and_few_lines(relay: Program) -> None:
    """What is counted stays counted; what is kept is bounded; a genuine sender is answered meanwhile."""
    flood(relay, 1200)
    memory, disk, told = memory_bytes(relay), disk_bytes(relay), len(relay.log.read_text())
    flood(relay, 3600)

    assert 200 == asked(relay.port, GENUINE)
    assert memory_bytes(relay) < memory + 16 * 1024**2
    assert disk_bytes(relay) < disk + 16 * 1024**2
    assert len(relay.log.read_text()) < told + 4000
    with Wire(relay.admin_port) as wire:
        wire.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b'relay_events_total{result="mismatch",source="shop"} 4800.0' in wire.rest()


def test_without_a_file_to_open_it_lives_and_recovers_by_itself(relay: Program) -> None:
    """Who says nothing makes room, so that others get in, long before anybody raises a limit; and nothing ends."""
    pid = relay.running.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with crowd(relay.port, 100):
        while len(list(Path(f"/proc/{pid}/fd").iterdir())) < 100:
            time.sleep(0.01)
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (60, before[1]))
            until_answered(relay.port)
            until_answered(relay.admin_port)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert 200 == asked(relay.port, GENUINE)
    assert "no descriptors" in {line["reason"] for line in lines(relay, "cut_off")}
    assert len(lines(relay, "cut_off")) < 50
    assert [] == [text for text in relay.log.read_text().splitlines() if json.loads(text)["level"] == "error"]


def test_a_reload_changes_how_long_anybody_is_waited_for(relay: Program) -> None:
    """At both ports, without a restart."""
    document = json.loads(relay.config.read_text())
    document["server"]["head_timeout"] = "1s"
    relay.config.write_text(json.dumps(document))
    asyncio.run(relay.has_said("config_reloaded"))
    with Wire(relay.port) as public, Wire(relay.admin_port) as admin:
        for wire in (public, admin):
            wire.send(PROBE[:-2])
        for wire in (public, admin):
            assert 408 == wire.answer()[0]
            assert b"" == wire.rest()
    asyncio.run(relay.has_said("too slow"))
