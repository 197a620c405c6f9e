"""Ports that a test's program listens on, while it may be down and come back."""

import random
import socket
from contextlib import closing

PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections


def free_port() -> int:
    """Find a port that nothing listens on, and that no outgoing connection will take while a relay is down."""
    for port in random.sample(PORTS, 100):
        with closing(socket.socket()) as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port among a hundred")
