"""A raw connection that waits for each answer: what no HTTP client would send can be sent on it."""

import re
import socket
from contextlib import suppress
from typing import Self

from tests.patience import WAIT_S_MAX


class Wire:
    """A connection, and what came on it and was not looked at yet."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S_MAX)
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
