"""Group commit: whoever waits at the same time is committed together, by one thread.

A disk makes a commit durable in 0.1–5 ms, whether it holds one change or hundreds. So callers leave what they
want done and wait; the thread takes all there is, commits once, and wakes them. While it works the next group
gathers by itself: the slower the disk, the larger the groups.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from relay.errors import StoreError, StoreUnavailable

# A verb does one kind of change for all who want it: it takes their arguments and returns their results, in order.
Verb = Callable[[sqlite3.Connection, list[Any]], list[Any]]

GROUP_MAX = 1000  # changes in one commit


class Wish(NamedTuple):
    """One change that somebody waits for."""

    verb: Verb
    argument: Any
    weight_bytes: int
    granted: asyncio.Future[Any]


class GroupWriter:
    """The only writer of this process."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], weight_bytes_max: int) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._weight_bytes_max = weight_bytes_max
        self._weight_bytes = 0
        self._wishes: list[Wish] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._commit_under_way: asyncio.Future[None] | None = None
        self._is_closed = False

    async def do(self, verb: Verb, argument: Any, weight_bytes: int = 0) -> Any:
        """Have one change committed and return its result, once it is on disk.

        Errors: StoreUnavailable, where nothing was written; StoreError, where this one change is impossible.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is closing")
        if self._weight_bytes and self._weight_bytes + weight_bytes > self._weight_bytes_max:
            raise StoreUnavailable("too much is waiting to be committed")
        wish = Wish(verb, argument, weight_bytes, asyncio.get_running_loop().create_future())
        self._weight_bytes += weight_bytes
        self._wishes.append(wish)
        if self._commit_under_way is None:
            self._commit_under_way = asyncio.ensure_future(self._commit_all())
        return await wish.granted

    async def close(self) -> None:
        """Commit what waits, then let go of the database."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._commit_under_way is not None:
            await self._commit_under_way
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wishes:
            group, self._wishes = self._wishes[:GROUP_MAX], self._wishes[GROUP_MAX:]
            results = await loop.run_in_executor(self._thread, self._commit, group)
            if isinstance(results[0], StoreUnavailable):  # who came meanwhile has waited as long, and would wait again
                results += [StoreUnavailable(str(results[0])) for _ in self._wishes]
                group, self._wishes = group + self._wishes, []
            for wish, result in zip(group, results, strict=True):
                self._weight_bytes -= wish.weight_bytes
                _grant(wish.granted, result)
        self._commit_under_way = None

    def _commit(self, group: list[Wish]) -> list[Any]:
        """Do a whole group in one transaction; where one wish spoils it for all, do each on its own."""
        try:
            return self._in_transaction(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
                self._disconnect()  # the next group starts afresh, whatever state this one left
                return [_unavailable(error) for _ in group]
            if len(group) > 1:
                return [result for wish in group for result in self._commit([wish])]
            return [_impossible(error)]

    def _in_transaction(self, group: list[Wish]) -> list[Any]:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            results = _do_all(connection, group)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled back by itself
                connection.execute("ROLLBACK")
            raise
        return results

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _do_all(connection: sqlite3.Connection, group: list[Wish]) -> list[Any]:
    by_verb: dict[Verb, list[int]] = {}
    for index, wish in enumerate(group):
        by_verb.setdefault(wish.verb, []).append(index)
    results: list[Any] = [None] * len(group)
    for verb, indexes in by_verb.items():
        for index, result in zip(indexes, verb(connection, [group[i].argument for i in indexes]), strict=True):
            results[index] = result
    return results


def _grant(granted: asyncio.Future[Any], result: Any) -> None:
    if granted.done():  # whoever waited has gone; what was committed stays
        return
    if isinstance(result, StoreError):
        granted.set_exception(result)
    else:
        granted.set_result(result)


def _unavailable(error: Exception) -> StoreUnavailable:
    unavailable = StoreUnavailable(f"the database cannot commit: {error}")
    unavailable.__cause__ = error
    return unavailable


def _impossible(error: Exception) -> StoreError:
    impossible = StoreError(f"the database refuses this change: {error}")
    impossible.__cause__ = error
    return impossible
