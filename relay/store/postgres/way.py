"""A way by which a group of changes is committed: by one session, in one transaction or less."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from relay.errors import StoreUnavailable
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.failures import COLLISIONS, is_missing_day, is_refusal
from relay.store.postgres.session import Session

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


class Way:
    """One session, and what is done by it.

    shortcut: to be tried first for what one verb, by its name, does. also_s: for how much longer than usual an answer
    may take.
    """

    def __init__(
        self,
        session: Session,
        verbs: Mapping[str, Verb],
        days: Days,
        also_s: float = 0.0,
        shortcut: tuple[str, Shortcut] | None = None,
    ) -> None:
        self._session = session
        self._verbs = verbs
        self._days = days
        self._also_s = also_s
        self._shortcut = shortcut

    async def results(self, group: Sequence[Wish]) -> list[Any]:
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
