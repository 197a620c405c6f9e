"""Ports that a test's program listens on, while it may be down and come back."""

import socket
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import cycle, islice

PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections
BLOCK = 500  # of them, for one process of tests: more than are in use at once


def free_port() -> int:
    """Find a port that nothing listens on, and that nobody will take while a program of the test's is down."""
    _, ports = _ours()
    for port in islice(ports, BLOCK):
        with closing(socket.socket()) as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"nothing is free among the {BLOCK} ports of this process")


def free_pair() -> int:
    """Find a port like that, and so is the next."""
    port = free_port()
    while (following := free_port()) != port + 1:
        port = following
    return port


@cache
def _ours() -> tuple[socket.socket, Iterator[int]]:
    """Take a block of ports that no other process of tests has; the socket holds it for as long as this one lives."""
    for first in PORTS[::BLOCK]:
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0relay-tests-ports-{first}")  # a name without a file: it ends with its process. unix(7)
        except OSError:
            holder.close()
            continue
        return holder, cycle(range(first, first + BLOCK))
    raise AssertionError("every block of ports is taken by another process of tests")
