"""Group commit: whoever waits at the same time is committed together, in one transaction of one session."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from relay.errors import StoreError, StoreUnavailable
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.failures import COLLISIONS, is_missing_day, is_refusal
from relay.store.postgres.session import Session

GROUP_MAX = 1000  # changes in one commit
GROUP_BYTES = 64 * 1024 * 1024  # of bodies in one commit
SLOWEST_BYTES_S = 8 * 1024 * 1024  # to the server: for large bodies there is more patience
TRIES = 5  # where others do something at the same moment

# A verb makes one kind of change for all who want it: it takes their arguments and returns their results, in order.
Verb = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[Any]]]
# Does as a verb by one statement, with no transaction around it, for as many as it can; None for the others.
Shortcut = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[Any | None]]]


class Wish(NamedTuple):
    """One change that somebody waits for."""

    verb: str
    argument: Any
    weight_bytes: int
    granted: asyncio.Future[Any]


class Groups:
    """One way by which this process changes the database. What goes different ways is committed side by side.

    shortcut: to be tried first for what one verb, by its name, does. also_s: for how much longer than usual an answer
    may take.
    """

    def __init__(
        self,
        session: Session,
        verbs: Mapping[str, Verb],
        days: Days,
        weight_bytes_max: int,
        also_s: float = 0.0,
        shortcut: tuple[str, Shortcut] | None = None,
    ) -> None:
        self._also_s = also_s
        self._shortcut = shortcut
        self._session = session
        self._verbs = verbs
        self._days = days
        self._weight_bytes_max = weight_bytes_max
        self._weight_bytes = 0
        self._wishes: list[Wish] = []
        self._committing: asyncio.Task[None] | None = None
        self._is_closed = False

    async def do(self, verb: str, argument: Any, weight_bytes: int = 0) -> Any:
        """Have one change committed and return its result, once it is on disk.

        Errors: StoreUnavailable, where nothing was promised; StoreRefused, where this one change is impossible.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is not open")
        if self._weight_bytes and self._weight_bytes + weight_bytes > self._weight_bytes_max:
            raise StoreUnavailable("too much is waiting to be committed")
        granted = asyncio.get_running_loop().create_future()
        self._weight_bytes += weight_bytes
        self._wishes.append(Wish(verb, argument, weight_bytes, granted))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all(), name="commit")
        try:
            return await granted
        finally:
            del granted  # an error that it holds knows where it was raised: here, and so what was to be stored

    @property
    def waiting(self) -> int:
        """Return how many changes wait here, or are being committed; 0: one would be committed at once."""
        return len(self._wishes) + (self._committing is not None)

    async def close(self) -> None:
        """Commit what waits, and let the session go."""
        self._is_closed = True
        if self._committing is not None:
            await self._committing
        await self._session.close()

    async def _commit_all(self) -> None:
        """Commit group after group, until nothing waits any more."""
        while self._wishes:
            group = self._next_group()
            results = await self._results(group)
            if isinstance(results[0], StoreUnavailable):
                results += [results[0]] * len(self._wishes)  # who came meanwhile has waited as long, and would again
                group, self._wishes = group + self._wishes, []
            for wish, result in zip(group, results, strict=True):
                self._weight_bytes -= wish.weight_bytes
                _grant(wish.granted, result)
        self._committing = None

    def _next_group(self) -> list[Wish]:
        count = weight = 0
        for wish in self._wishes[:GROUP_MAX]:
            weight += wish.weight_bytes
            if count and weight > GROUP_BYTES:
                break
            count += 1
        group, self._wishes = self._wishes[:count], self._wishes[count:]
        return group

    async def _results(self, group: Sequence[Wish]) -> list[Any]:
        """Commit a group: by the shortcut as much as it takes, then the rest. Errors are results, too."""
        try:
            results = await self._cut_short(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            return [error] * len(group)
        if left := [index for index, result in enumerate(results) if result is None]:
            of_left = await self._committed([group[index] for index in left])
            for index, result in zip(left, of_left, strict=True):
                results[index] = result
        return results

    async def _cut_short(self, group: Sequence[Wish]) -> list[Any]:
        """Do what the shortcut can do; None for the rest, of which nothing is done."""
        results: list[Any] = [None] * len(group)
        if self._shortcut is None:
            return results
        verb, do_at_once = self._shortcut
        if not (indexes := [index for index, wish in enumerate(group) if wish.verb == verb]):
            return results
        async with self._session.used(self._patience_also_s(group)) as connection:
            try:
                done = await do_at_once(connection, [group[index].argument for index in indexes])
            except Exception as fault:
                if isinstance(fault, COLLISIONS) or is_refusal(fault) or is_missing_day(fault):
                    return results  # it left no trace; which of them it was is found out on the long way
                raise
        for index, result in zip(indexes, done, strict=True):
            results[index] = result
        return results

    async def _committed(self, group: Sequence[Wish]) -> list[Any]:
        """Commit in one transaction; where one change spoils it for all, each alone. Errors are results, too."""
        try:
            return await self._commit(group)
        except StoreUnavailable as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(group) > 1:
                return [(await self._committed([wish]))[0] for wish in group]
            return [error]

    async def _commit(self, group: Sequence[Wish]) -> list[Any]:
        places: dict[str, list[int]] = {}
        for index, wish in enumerate(group):
            places.setdefault(wish.verb, []).append(index)
        question = [(self._verbs[verb], [group[index].argument for index in of]) for verb, of in places.items()]
        answer = await self._transact(question, self._patience_also_s(group))
        results: list[Any] = [None] * len(group)
        for of, of_verb in zip(places.values(), answer, strict=True):
            for index, result in zip(of, of_verb, strict=True):
                results[index] = result
        return results

    def _patience_also_s(self, group: Sequence[Wish]) -> float:
        return self._also_s + sum(wish.weight_bytes for wish in group) / SLOWEST_BYTES_S

    async def _transact(self, question: Sequence[tuple[Verb, Sequence[Any]]], also_s: float) -> list[Sequence[Any]]:
        """Do all in one transaction, again where others did something at the same moment. also_s: more patience."""
        async with self._session.used(also_s) as connection:
            for tries_left in reversed(range(TRIES)):
                try:
                    async with connection.transaction():
                        return [await verb(connection, arguments) for verb, arguments in question]
                except COLLISIONS:
                    if not tries_left:
                        raise
                except Exception as fault:
                    if not tries_left or not is_missing_day(fault):
                        raise
                    self._days.forget()
        raise AssertionError("the last try returns or raises")


class Ways:
    """Several ways for the same changes: while one waits for the server, the next group is made on another."""

    def __init__(self, ways: Sequence[Groups]) -> None:
        self._ways = ways

    async def do(self, verb: str, argument: Any, weight_bytes: int = 0, *, is_in_order: bool = False) -> Any:
        """Do as `Groups.do`. is_in_order: after all that was asked for so before; by one way only, that is."""
        way = self._ways[0] if is_in_order else min(self._ways, key=lambda way: way.waiting)
        return await way.do(verb, argument, weight_bytes)

    async def close(self) -> None:
        """Commit what waits, and let the sessions go."""
        await asyncio.gather(*(way.close() for way in self._ways))


def _grant(granted: asyncio.Future[Any], result: Any) -> None:
    if granted.done():  # whoever waited has gone; what was committed stays
        return
    if isinstance(result, StoreError):
        granted.set_exception(type(result)(str(result)))  # one for each: who raises it leaves a traceback in it
    elif isinstance(result, BaseException):
        granted.set_exception(result)
    else:
        granted.set_result(result)
