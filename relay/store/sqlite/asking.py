"""Questions that may take a while: on a connection of their own, in a thread, so that only who asks waits."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from relay.errors import StoreUnavailable
from relay.store.ports.text import TEXT_BYTES_MAX

T = TypeVar("T")

CACHE_KIB = 16 * 1024  # the newest events stay in memory, which most questions begin with


class Asking:
    """A connection that only reads, opened when it is first used. It may be shared: one asks at a time."""

    def __init__(self, path: Path, patience_s: float) -> None:
        self._path = path
        self._patience_s = patience_s
        self._connection: sqlite3.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._is_open = False

    def open(self) -> None:
        """Answer questions from now on."""
        self._is_open = True

    async def close(self) -> None:
        """Let go of the file."""
        async with self._one_at_a_time:
            self._is_open = False
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    async def ask(self, question: Callable[..., T], *arguments: object) -> T:
        """Have a question answered. Errors: StoreUnavailable."""
        async with self._one_at_a_time:
            if not self._is_open:
                raise StoreUnavailable("the store is not open")
            return await asyncio.to_thread(self._answered, question, arguments)

    def _answered(self, question: Callable[..., T], arguments: Sequence[object]) -> T:
        try:
            if self._connection is None:
                self._connection = _connect(self._path, self._patience_s)
            return question(self._connection, *arguments)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database cannot be read: {error}") from error


def _connect(path: Path, patience_s: float) -> sqlite3.Connection:
    where = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(where, uri=True, timeout=patience_s, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    def head_of_body(seq: int) -> bytes:
        with connection.blobopen("contents", "body", seq, readonly=True) as blob:
            return blob.read(TEXT_BYTES_MAX)

    connection.create_function("head_of_body", 1, head_of_body)
    return connection
