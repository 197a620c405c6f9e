"""The system's random bytes, fetched ahead: a few of them cost as much as many, which is a system call."""

import os
from collections.abc import Iterator

AHEAD = 256  # times


class Entropy:
    """Gives out so many bytes at a time, never the same ones twice, to whatever thread asks.

    size: in bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._ahead: list[bytes] = []

    def __call__(self) -> bytes:
        """Return random bytes."""
        try:
            return self._ahead.pop()  # one step, whoever else asks at this moment
        except IndexError:
            first, *others = self._fetched()
            self._ahead += others
            return first

    def _fetched(self) -> Iterator[bytes]:
        fetched = os.urandom(self._size * AHEAD)
        return (fetched[at : at + self._size] for at in range(0, len(fetched), self._size))
