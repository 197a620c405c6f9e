"""The numbers of rows: the day of their event first, so that a number alone tells the partition that its row is in.

A process takes numbers in blocks, so that nobody waits for anybody to get one. A number has 52 bits: whatever reads
JSON can hold it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from relay.store.postgres.dialling import Connection

DAY_BITS = 36
BLOCK = 4096
DAY = timedelta(days=1)
WEEK_DAYS = 7
END = 2**63 - 1
_EPOCH = date(1970, 1, 1)


class Stretch(NamedTuple):
    """The numbers of some days in a row, from the first up to the end.

    They are written into a statement and not given to it, because its plan is made once for whatever it is given: it
    would lock every day there is, with all indexes, each time. With a month of history that are 400 locks and 5 ms.
    """

    first: int
    end: int

    def meets(self, other: "Stretch") -> bool:
        """Tell whether any number is in both."""
        return self.first < other.end and other.first < self.end

    def has(self, column: str) -> str:
        """Return the condition that a number is one of these."""
        return f"({column} >= {self.first} AND {column} < {self.end})"


def day_of_event(event_id: str) -> int:
    """Return the day, counted from 1970, of an event's id, which begins with its time in milliseconds."""
    return int(event_id[4:16], 16) // 86_400_000


def day_of(time: datetime) -> int:
    """Return a time's day, counted from 1970."""
    return (time.astimezone(UTC).date() - _EPOCH).days


def date_of(day: int) -> date:
    """Return the date of a day counted from 1970."""
    return _EPOCH + day * DAY


def span(day: int) -> Stretch:
    """Return the numbers of a day."""
    return Stretch(day << DAY_BITS, (day + 1) << DAY_BITS)


def span_of_days(days: Sequence[int]) -> Stretch:
    """Return the numbers of days in a row."""
    return Stretch(span(days[0]).first, span(days[-1]).end)


def span_of(numbers: Collection[int]) -> Stretch:
    """Return the numbers of the days from the first of these to the last."""
    if not numbers:
        return NOTHING
    return span_of_days([day_of_number(min(numbers)), day_of_number(max(numbers))])


def by_day(numbers: Collection[int]) -> list[tuple[Stretch, list[int]]]:
    """Return these day by day."""
    return [(span(day), list(of_day)) for day, of_day in groupby(sorted(numbers), key=day_of_number)]


def span_of_event(event_id: str) -> Stretch:
    """Return the numbers of an event's day; none for what is no event's id."""
    try:
        return span(day_of_event(event_id))
    except ValueError:
        return NOTHING


def day_of_number(number: int) -> int:
    """Return the day of a row's number, counted from 1970."""
    return number >> DAY_BITS


def weeks(days: Iterable[int]) -> list[list[int]]:
    """Return these days week by week, the oldest first: as many as one statement should look into.

    Which days share a week is of no importance, only that it stays so: what is asked of one is planned once.
    """
    return [list(week) for _, week in groupby(sorted(days), key=lambda day: day // WEEK_DAYS)]


NOTHING = Stretch(0, 0)


class Numbers:
    """Numbers that no other process gives out. sequence: where blocks come from.

    Two who find a block used up at the same time both get a new one, of which one is never used.
    """

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence
        self._next = self._end = 0

    async def take(self, connection: Connection, days: Iterable[int]) -> list[int]:
        """Return one number for each of these days, in order."""
        numbers = []
        for day in days:
            if self._next == self._end:
                await self._begin_block(connection)
            numbers.append((day << DAY_BITS) + self._next)
            self._next += 1
        return numbers

    async def _begin_block(self, connection: Connection) -> None:
        block: int = await connection.fetchval(f"SELECT nextval('{self._sequence}')")
        self._next, self._end = block * BLOCK, (block + 1) * BLOCK


class Numbering:
    """All numbers that a process gives out, whatever way an event is stored: nearly in the order of arrival."""

    def __init__(self) -> None:
        self.events = Numbers("event_blocks")
        self.deliveries = Numbers("delivery_blocks")
