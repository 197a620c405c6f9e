"""The real program before strangers: each kind of request has its right answer, and what follows it is not misread."""

import asyncio
import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Self
from urllib.request import urlopen

import pytest

from tests.acceptance.hostile import ADMIN_TOKEN, KINDS, PROBE, SOURCES, TOKEN, Kind
from tests.acceptance.program import Program, configured

PATIENCE_S = 10.0


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


class Wire:
    """A connection, and what came on it and was not looked at yet."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        with suppress(ConnectionError):  # it has had enough; its answer says why
            self.socket.sendall(data)

    def answer(self, has_body: bool = True) -> tuple[int, bytes]:
        """Read one answer: its status and its head."""
        while b"\r\n\r\n" not in self._left:
            piece = self.socket.recv(65536)
            assert piece, f"hung up without an answer, after {self._left!r}"
            self._left += piece
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        wanted = int(length[1]) if length and has_body else 0
        while len(self._left) < wanted:
            self._left += self.socket.recv(65536)
        self._left = self._left[wanted:]
        return int(head.split(b" ", 2)[1]), head

    def end(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def rest(self) -> bytes:
        """Read to the end; there is none where the other side hangs up rudely."""
        with suppress(ConnectionError):
            while piece := self.socket.recv(65536):
                self._left += piece
        return self._left


def announces_its_end(head: bytes) -> bool:
    """Tell whether this is the last answer of its connection. Source: RFC 9112, 9.3."""
    option = re.search(rb"(?i)\r\nconnection: ([a-z-]+)", head)
    default = b"close" if head.startswith(b"HTTP/1.0") else b"keep-alive"
    return (option[1].lower() if option else default) == b"close"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_stranger_gets_the_right_answer(relay: Program, kind: Kind) -> None:
    """And its connection is open for the next request, or closed as announced: nothing is taken for another."""
    with Wire(relay.port) as wire:
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
    names = Counter(kind.name for kind in KINDS)
    assert [] == [name for name, count in names.items() if count > 1]
    assert len(names) >= 60
    assert not any(status >= 500 for kind in KINDS for status in kind.statuses)


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
    """Nobody is answered 5xx, no line is an error, and none holds what was sent: paths, tokens, bodies."""
    with urlopen(f"{relay.admin_url}/metrics") as answer:
        metrics = answer.read().decode()
    lines = [json.loads(line) for line in relay.log.read_text().splitlines()]

    assert 'result="unavailable"' not in metrics
    assert 'relay_events_total{result="too_large",source="small"}' in metrics
    assert set() == {line["event"] for line in lines if line["level"] not in ("info", "debug")}
    for word in (TOKEN, "passwd", "CANARY", "bananas", "xchunked", "0000000000"):
        assert word not in relay.log.read_text()
    assert len(lines) < 150
