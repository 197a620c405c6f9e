"""Group commit: whoever waits at the same time is committed together, in one transaction of one session."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from relay.errors import StoreError, StoreUnavailable
from relay.store.postgres.way import Way, Wish

GROUP_MAX = 1000  # changes in one commit
GROUP_BYTES = 64 * 1024 * 1024  # of bodies in one commit
# So many go another way while a group is still being committed. Fewer wait for it: each commit has a price of its own.
WORTH_A_WAY = 16


class Groups:
    """What this process changes for the same purpose, committed by several ways side by side where much waits."""

    def __init__(self, ways: Sequence[Way], weight_bytes_max: int) -> None:
        self._ways = ways
        self._weight_bytes_max = weight_bytes_max
        self._weight_bytes = 0
        self._wishes: list[Wish] = []
        self._in_order: list[Wish] = []  # these go by the first way only
        self._committing: dict[Way, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def do(self, verb: str, argument: Any, weight_bytes: int = 0, *, is_in_order: bool = False) -> Awaitable[Any]:
        """Have one change committed; its result is to be awaited, and is there once it is on disk.

        is_in_order: after all that was asked for so before.
        Errors: StoreUnavailable, where nothing was promised; StoreRefused, where this one change is impossible.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is not open")
        if self._weight_bytes and self._weight_bytes + weight_bytes > self._weight_bytes_max:
            raise StoreUnavailable("too much is waiting to be committed")
        loop = self._loop = self._loop or asyncio.get_running_loop()  # to ask for it is a system call each time
        granted = loop.create_future()
        self._weight_bytes += weight_bytes
        (self._in_order if is_in_order else self._wishes).append(Wish(verb, argument, weight_bytes, granted))
        self._begin()
        return granted

    async def close(self) -> None:
        """Take no more, and commit what waits."""
        self._is_closed = True
        while self._committing:
            await asyncio.gather(*self._committing.values())

    def _begin(self) -> None:
        """Let idle ways commit what waits, if it is worth it."""
        for way in self._ways:
            if way not in self._committing and self._is_worth(way):
                self._committing[way] = asyncio.create_task(self._commit_by(way), name="commit")

    def _is_worth(self, way: Way) -> bool:
        """Tell whether what waits is to go an idle way: anything, where nothing else is under way, or else much."""
        waiting = len(self._wishes) + (len(self._in_order) if way is self._ways[0] else 0)
        return waiting >= (WORTH_A_WAY if self._committing else 1)

    async def _commit_by(self, way: Way) -> None:
        """Commit one group; then it is the first way's turn again, so that what is in order never waits for long.

        The next group is on its way before those of this one are told: the database works while they answer.
        """
        group, results = self._next_group(is_first=way is self._ways[0]), list[Any]()
        if group:
            results = await way.results(group)
            if all(isinstance(result, StoreUnavailable) for result in results):
                others = self._in_order + self._wishes  # who came meanwhile has waited as long, and would again
                results += [results[0]] * len(others)
                group, self._in_order, self._wishes = group + others, [], []
        del self._committing[way]
        self._begin()
        for wish, result in zip(group, results, strict=True):
            self._weight_bytes -= wish.weight_bytes
            _grant(wish.granted, result)

    def _next_group(self, *, is_first: bool) -> list[Wish]:
        """Take what is to be committed together. is_first: by the first way."""
        waiting = self._in_order + self._wishes if is_first else self._wishes
        count = weight = 0
        for wish in waiting[:GROUP_MAX]:
            weight += wish.weight_bytes
            if count and weight > GROUP_BYTES:
                break
            count += 1
        ordered = min(count, len(self._in_order)) if is_first else 0
        self._in_order, self._wishes = self._in_order[ordered:], self._wishes[count - ordered :]
        return waiting[:count]


def _grant(granted: asyncio.Future[Any], result: Any) -> None:
    if granted.done():  # whoever waited has gone; what was committed stays
        return
    if isinstance(result, StoreError):
        granted.set_exception(type(result)(str(result)))  # one for each: who raises it leaves a traceback in it
    elif isinstance(result, BaseException):
        granted.set_exception(result)
    else:
        granted.set_result(result)
