"""The numbers of rows: the day of their event first, so that a number alone tells the partition that its row is in.

A process takes numbers in blocks, so that nobody waits for anybody to get one. A number has 52 bits: whatever reads
JSON can hold it.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta

from relay.store.postgres.dialling import Connection

DAY_BITS = 36
BLOCK = 4096
DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


def day_of_event(event_id: str) -> int:
    """Return the day, counted from 1970, of an event's id, which begins with its time in milliseconds."""
    return int(event_id[4:16], 16) // 86_400_000


def day_of(time: datetime) -> int:
    """Return a time's day, counted from 1970."""
    return (time.astimezone(UTC).date() - _EPOCH).days


def date_of(day: int) -> date:
    """Return the date of a day counted from 1970."""
    return _EPOCH + day * DAY


def span(day: int) -> tuple[int, int]:
    """Return the first number of a day, and the first of the next."""
    return day << DAY_BITS, (day + 1) << DAY_BITS


def span_of(numbers: Collection[int]) -> tuple[int, int]:
    """Return the span of the days of these: told, a statement opens no partition of another day.

    It would open all there are, and take longer with each day of history.
    """
    return (span(min(numbers) >> DAY_BITS)[0], span(max(numbers) >> DAY_BITS)[1]) if numbers else (0, 0)


def span_of_event(event_id: str) -> tuple[int, int]:
    """Return the span of an event's day; an empty one for what is no event's id."""
    try:
        return span(day_of_event(event_id))
    except ValueError:
        return 0, 0


class Numbers:
    """Numbers that no other process gives out. sequence: where blocks come from.

    Two who find a block used up at the same time both get a new one, of which one is never used.
    """

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence
        self._next = self._end = 0

    async def take(self, connection: Connection, days: Iterable[int]) -> list[int]:
        """Return one number for each of these days, in order."""
        return [(day << DAY_BITS) + await self._one(connection) for day in days]

    async def _one(self, connection: Connection) -> int:
        if self._next == self._end:
            block: int = await connection.fetchval(f"SELECT nextval('{self._sequence}')")
            self._next, self._end = block * BLOCK, (block + 1) * BLOCK
        self._next += 1
        return self._next - 1


class Numbering:
    """All numbers that a process gives out, whatever way an event is stored: nearly in the order of arrival."""

    def __init__(self) -> None:
        self.events = Numbers("event_blocks")
        self.deliveries = Numbers("delivery_blocks")
