"""The days of history: partitions made ahead or when an event needs one, and dropped whole when they are old."""

from collections.abc import Collection, Iterable
from time import monotonic

import asyncpg

from relay.store.postgres import unfinished
from relay.store.postgres.dialling import Connection
from relay.store.postgres.locks import DAYS, lock
from relay.store.postgres.numbers import date_of, span
from relay.store.postgres.unfinished import ANY

PARTS = {"events": "seq", "contents": "event_seq", "deliveries": "id", "attempts": "delivery_id"}  # by what each is cut
LOOK_EVERY_S = 30.0
SETTINGS = {
    "contents": "toast_tuple_target = 8160",  # most webhooks stay in their row: one write instead of three
    "deliveries": "fillfactor = 85",  # each is changed once or twice, in its place
}


class Days:
    """Which days there are, and from which on anything is unfinished, as far as this process knows."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self.unfinished = ANY
        self._looked_s = float("-inf")

    def missing(self, days: Iterable[int]) -> set[int]:
        """Return the days that are not known to be there."""
        return set(days) - self._known

    def are_ready(self, days: Iterable[int]) -> bool:
        """Tell whether `make` would have nothing to do for these days."""
        asked = set(days)
        return asked <= self._known and all(map(self.unfinished.includes, asked))

    def forget(self) -> None:
        """Look at the database again before anything is believed to be there."""
        self._known.clear()

    def must_be_looked_at(self) -> bool:
        """Tell, now and then, that it is time to look which days are unfinished."""
        now_s = monotonic()
        if now_s < self._looked_s + LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        return True

    async def make(self, connection: Connection, days: Collection[int]) -> None:
        """Make the partitions of these days, where there are none, and let everybody look into them."""
        for day in sorted(self.missing(days)):
            async with connection.transaction():
                await lock(connection, DAYS)
                if day not in await existing(connection):
                    await connection.execute(_making(day))
            self._known.add(day)
        for day in days:
            if not self.unfinished.includes(day):
                await self.reopen(connection, day)

    async def reopen(self, connection: Connection, day: int) -> None:
        """Let everybody look into a day: a delivery of it becomes pending in this transaction."""
        await unfinished.reopen(connection, day)
        self.unfinished = self.unfinished.including(day)


async def existing(connection: Connection) -> list[int]:
    """List the days that there are, the oldest first. By the catalog: no day is locked."""
    return [row["day"] for row in await connection.fetch(_EXISTING)]


_EXISTING = """
    SELECT substr(c.relname, 8)::date - '1970-01-01'::date AS day
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events'::regclass ORDER BY day"""


def _making(day: int) -> str:
    """Return what makes a day. A table is attached, not made in place: that waits for nobody who reads or writes."""
    name, (first, end) = f"{date_of(day):%Y%m%d}", span(day)
    steps = []
    for part, column in PARTS.items():
        settings = f" WITH ({SETTINGS[part]})" if part in SETTINGS else ""
        steps += [
            f"CREATE TABLE {part}_{name} (LIKE {part} INCLUDING ALL){settings}",
            f"ALTER TABLE {part}_{name} ADD CONSTRAINT of_its_day CHECK ({column} >= {first} AND {column} < {end})",
            f"ALTER TABLE {part} ATTACH PARTITION {part}_{name} FOR VALUES FROM ({first}) TO ({end})",
            f"ALTER TABLE {part}_{name} DROP CONSTRAINT of_its_day",
        ]
    steps.append(f"CREATE UNIQUE INDEX events_{name}_id ON events_{name} (id)")
    return ";\n".join(steps)


async def drop(connection: Connection, day: int) -> bool:
    """Drop a day of which nothing is unfinished, and tell whether it was dropped: not where others are in the way.

    What died in it is taken off its lanes' numbers.
    """
    name = f"{date_of(day):%Y%m%d}"
    try:
        async with connection.transaction():
            await lock(connection, DAYS)
            await connection.execute("SET LOCAL lock_timeout = '200ms'")  # who waits for us waits no longer than that
            await connection.execute(f"LOCK TABLE deliveries_{name} IN ACCESS EXCLUSIVE MODE")
            if await unfinished.is_unfinished(connection, day):
                return False
            await connection.execute(_BURY.format(name=name))
            await connection.execute(f"DROP TABLE {', '.join(f'{part}_{name}' for part in PARTS)}")
    except asyncpg.LockNotAvailableError:
        return False
    return True


_BURY = """
    INSERT INTO lane_counts (target, shard, dead)
    SELECT target, 0, -count(*) FROM deliveries_{name} WHERE status = 'dead' GROUP BY target ORDER BY target
    ON CONFLICT (target, shard) DO UPDATE SET dead = lane_counts.dead + excluded.dead"""
