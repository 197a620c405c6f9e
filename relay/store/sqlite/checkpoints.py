"""Checkpoints beside the commits: what was committed is carried from the log to the database by a thread of its own.

SQLite would do it within a commit, each time the log has grown by so much, and everybody who waits for that commit
would wait for the whole database to be synced as well.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

PAUSE_S = 0.05  # from a commit to the checkpoint that carries it and what came meanwhile


class Checkpoints:
    """The thread that makes them, whenever there is something to carry."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._is_news = Event()
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def expect(self) -> None:
        """Say that something was committed."""
        self._is_news.set()

    def close(self) -> None:
        """Let the last one finish."""
        self._is_over.set()
        self._is_news.set()
        self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._has_news():
            with suppress(sqlite3.Error):  # on a disk that is full the commits fail, too, and they tell
                connection = connection or self._connect()
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # waits for nobody
        if connection is not None:
            connection.close()

    def _has_news(self) -> bool:
        """Come back once there is something to carry, and more had time to come; tell whether it is to be carried."""
        self._is_news.wait()
        self._is_over.wait(PAUSE_S)
        self._is_news.clear()
        return not self._is_over.is_set()  # asked last: an end told before that is seen, and one told later is news
