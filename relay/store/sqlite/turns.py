"""Turns: which of several processes writes next, so that none sleeps while the file is free.

SQLite's own way to wait for another writer is to sleep and look again, each time longer: whoever is unlucky is
passed by many times. A lock of the system's wakes the next at once. It only orders those who write; that one
alone writes is SQLite's affair, and holds without it.
"""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "turn.lock"


class _WaitedLongEnough(Exception):
    """Raised by the alarm: whoever has the turn hangs with it."""


class Turns:
    """The lock that is passed on. For a process with one thread, whose alarm it uses.

    patience_s: how long to wait for it. Who has waited so long in vain goes on without, and waits no more until the
    lock has been free.
    """

    def __init__(self, folder: Path, patience_s: float) -> None:
        self._patience_s = patience_s
        self._descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        self._is_waiting = False
        self._is_worth_waiting = True
        signal.signal(signal.SIGALRM, self._ring)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Do something in turn."""
        self._take()
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _take(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._is_worth_waiting:
                self._is_worth_waiting = self._waited()
        else:
            self._is_worth_waiting = True

    def _waited(self) -> bool:
        """Wait for the turn; tell whether it came."""
        has_it = False
        with suppress(_WaitedLongEnough):
            self._is_waiting = True
            signal.setitimer(signal.ITIMER_REAL, self._patience_s)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            has_it = True
            self._is_waiting = False
        self._is_waiting = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        return has_it

    def _ring(self, *_: object) -> None:
        if self._is_waiting:
            raise _WaitedLongEnough
