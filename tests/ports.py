"""Ports that a test's program listens on, while it may be down and come back."""

import random
import socket
from contextlib import closing
from itertools import cycle, islice

PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections

_turns = cycle(random.sample(PORTS, len(PORTS)))  # so that nobody is given the same one twice in a row


def free_port() -> int:
    """Find a port that nothing listens on, and that no outgoing connection will take while a relay is down."""
    for port in islice(_turns, 100):
        with closing(socket.socket()) as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port among a hundred")
