"""The real program before strangers: each kind of request has its right answer, and what follows it is not misread."""

import asyncio
import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.acceptance.hostile import ADMIN_TOKEN, KINDS, PROBE, SOURCES, TOKEN, Kind
from tests.acceptance.hostile_admin import ADMIN_KINDS
from tests.acceptance.program import Program, configured
from tests.acceptance.wire import Wire


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for all of them: what one leaves behind would show in the next."""
    parts = {"sources": SOURCES}
    program = configured(tmp_path_factory.mktemp("hostile"), parts)
    document = json.loads(program.config.read_text())
    document["admin"]["tokens"] = [ADMIN_TOKEN]
    program.config.write_text(json.dumps(document))
    program.start()
    try:
        asyncio.run(program.is_ready())
        yield program
    finally:
        program.kill()


def announces_its_end(head: bytes) -> bool:
    """Tell whether this is the last answer of its connection. Source: RFC 9112, 9.3."""
    option = re.search(rb"(?i)\r\nconnection: ([a-z-]+)", head)
    default = b"close" if head.startswith(b"HTTP/1.0") else b"keep-alive"
    return (option[1].lower() if option else default) == b"close"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_stranger_gets_the_right_answer(relay: Program, kind: Kind) -> None:
    """And its connection is open for the next request, or closed as announced: nothing is taken for another."""
    is_answered_rightly(kind, relay.port)


@pytest.mark.parametrize("kind", ADMIN_KINDS, ids=lambda kind: kind.name)
def test_nobody_gets_in_at_the_admin_port_or_makes_it_fail(relay: Program, kind: Kind) -> None:
    """It has the same protection, also before it knows who asks."""
    is_answered_rightly(kind, relay.admin_port)


def is_answered_rightly(kind: Kind, port: int) -> None:
    with Wire(port) as wire:
        for piece in kind.sent:
            wire.send(piece)
        if kind.ends:
            wire.end()
        answers = [wire.answer(not kind.sent[0].startswith(b"HEAD")) for _ in kind.statuses]

        assert kind.statuses == tuple(status for status, _ in answers)
        assert all(head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) for _, head in answers)
        if kind.closes:
            assert kind.ends or announces_its_end(answers[-1][1])
            if not kind.ends:
                wire.end()
            assert b"" == wire.rest()
        else:
            assert not announces_its_end(answers[-1][1])
            wire.send(PROBE)
            assert 200 == wire.answer()[0]


def test_there_are_at_least_sixty_kinds_and_none_has_a_twin() -> None:
    """A name says which of them failed."""
    names = Counter(kind.name for kind in KINDS + ADMIN_KINDS)
    assert [] == [name for name, count in names.items() if count > 1]
    assert len(names) >= 60
    assert not any(status >= 500 for kind in KINDS + ADMIN_KINDS for status in kind.statuses)


def test_a_connection_that_is_reset_leaves_nothing_behind(relay: Program) -> None:
    """In the middle of a body, and again and again: the others are served, and nothing of it is stored."""
    before = relay.rows("SELECT count(*) FROM events")
    for _ in range(50):
        wire = Wire(relay.port)
        wire.send(b"POST /in/open HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nreset in the middle")
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        wire.socket.close()
    with Wire(relay.port) as wire:
        wire.send(PROBE)
        assert 200 == wire.answer()[0]
    assert before == relay.rows("SELECT count(*) FROM events")


def test_nothing_of_it_was_a_fault_of_ours_or_is_told_to_the_log(relay: Program) -> None:
    """It ends as it should; nobody was answered 5xx; no line is an error, or holds what was sent."""
    with urlopen(f"{relay.admin_url}/metrics") as answer:
        metrics = answer.read().decode()
    assert 0 == asyncio.run(relay.stop())  # the last of its lines are written
    lines = [json.loads(line) for line in relay.log.read_text().splitlines()]

    unavailable = [line for line in metrics.splitlines() if 'result="unavailable"' in line]
    assert unavailable
    assert {"0.0"} == {line.rpartition(" ")[2] for line in unavailable}
    assert 'relay_events_total{result="too_large",source="small"} 0.0' not in metrics
    warned = {line["event"] for line in lines if line["level"] not in ("info", "debug")}
    assert {"admin_asked_by_foreign_name"} == warned
    for word in (TOKEN, "passwd", "CANARY", "bananas", "xchunked", "0000000000"):
        assert word not in relay.log.read_text()
    assert len(lines) < 150
