"""Which days have anything unfinished, so that nobody looks into every day there ever was.

It is kept in the database. Who makes an old delivery pending adds its day in the same transaction, and who leads takes
days out: whoever has locked a line reads it there, and sees all that stands in that line. Others know it as it was of
late.
"""

from collections.abc import Sequence, Set
from typing import NamedTuple

from relay.store.postgres.dialling import Connection
from relay.store.postgres.locks import UNFINISHED, lock, share
from relay.store.postgres.numbers import END, Stretch, date_of, span, weeks

DAYS_AHEAD = 2  # are made before they come
DAYS_NEW = DAYS_AHEAD + 1  # before the last one: since yesterday; what is stored in these is told to nobody


class Unfinished(NamedTuple):
    """All days from one on, and some before it."""

    since: int
    before: frozenset[int] = frozenset()

    def has(self, column: str) -> str:
        """Return the condition that a number is one of these days'."""
        return f"({' OR '.join(stretch.has(column) for stretch in self._stretches())})"

    def includes(self, day: int) -> bool:
        """Tell whether a day is one of these."""
        return day >= self.since or day in self.before

    def including(self, day: int) -> "Unfinished":
        """Return these and a day."""
        return self if self.includes(day) else Unfinished(self.since, self.before | {day})

    def _stretches(self) -> list[Stretch]:
        """Return the days as few stretches."""
        found = [Stretch(span(self.since).first, END)]
        for day in sorted(self.before, reverse=True):
            first, end = span(day)
            found = (
                [Stretch(first, found[0].end), *found[1:]] if end == found[0].first else [Stretch(first, end), *found]
            )
        return found

    @classmethod
    def read(cls, text: str | None) -> "Unfinished":
        """Read it as it is kept. None: nobody has looked yet, and it may be any."""
        since, *before = map(int, (text or "0").split())
        return cls(since, frozenset(before))

    def written(self) -> str:
        """Return it as it is kept."""
        return " ".join(map(str, (self.since, *sorted(self.before))))


ANY = Unfinished(0)


async def unfinished(connection: Connection) -> Unfinished:
    """Return the days as they are kept."""
    return Unfinished.read(await connection.fetchval("SELECT value FROM kept WHERE name = 'unfinished'"))


async def first_look(connection: Connection, days: Sequence[int]) -> None:
    """Look, if nobody has done so yet: with a long history, all who start would lock all of it at the same time."""
    if (await unfinished(connection)).since == ANY.since:
        await look(connection, days)


async def reopen(connection: Connection, day: int) -> None:
    """Let everybody look into a day: a delivery of it becomes pending in this transaction."""
    await share(connection, UNFINISHED)
    await connection.execute(_ADD, str(day))


async def look(connection: Connection, days: Sequence[int]) -> None:
    """Look which of all days are unfinished, a week in each transaction: a day costs a dozen locks.

    What was finished is looked at again: a program of an older version tells of nothing that it makes pending, and one
    whose clock is days behind may store something there.
    """
    if not days:
        return
    since = min(days[-1] - DAYS_NEW, await connection.fetchval(_YESTERDAY))
    old = [day for day in days if day < since]
    for week in weeks(old):
        await _look(connection, set(week))
    async with connection.transaction():
        await lock(connection, UNFINISHED)
        stands = await unfinished(connection)
        await _keep(connection, stands, Unfinished(since, stands.before & set(old)))


async def _look(connection: Connection, days: Set[int]) -> None:
    async with connection.transaction():
        await lock(connection, UNFINISHED)
        stands = await unfinished(connection)
        found = {row["day"] for row in await connection.fetch(_unfinished_of(days))}
        await _keep(connection, stands, Unfinished(stands.since, stands.before - days | found))


async def _keep(connection: Connection, stands: Unfinished, found: Unfinished) -> None:
    if found != stands:
        await connection.execute(_KEEP, found.written())


async def is_unfinished(connection: Connection, day: int) -> bool:
    """Tell whether anything of a day is still to be delivered."""
    return bool(await connection.fetch(_unfinished_of({day})))


def _unfinished_of(days: Set[int]) -> str:
    """Return what tells which of some days are unfinished: two looks at small indexes for each."""
    return " UNION ALL ".join(f"SELECT {day} AS day WHERE {_is_unfinished(day)}" for day in sorted(days))


def _is_unfinished(day: int) -> str:
    """Return the condition on a day: of its own table, so that only the indexes on what is unfinished come to mind."""
    table = f"deliveries_{date_of(day):%Y%m%d}"
    looks = (f"EXISTS (SELECT FROM {table} WHERE status = '{status}')" for status in ("pending", "sending"))
    return f"({' OR '.join(looks)})"


_YESTERDAY = "SELECT (now() AT TIME ZONE 'UTC')::date - '1970-01-02'::date"
_ADD = """
    UPDATE kept SET value = value || ' ' || $1 WHERE name = 'unfinished' AND $1 <> ALL (string_to_array(value, ' '))"""
_KEEP = """
    INSERT INTO kept (name, value) VALUES ('unfinished', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
