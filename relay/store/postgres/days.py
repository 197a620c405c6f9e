"""The days of history: partitions made ahead or when an event needs one, and dropped whole when they are old."""

from collections.abc import Iterable
from time import monotonic

import asyncpg

from relay.store.postgres.dialling import Connection
from relay.store.postgres.locks import DAYS, lock
from relay.store.postgres.numbers import date_of, span

PARTS = {"events": "seq", "contents": "event_seq", "deliveries": "id", "attempts": "delivery_id"}  # by what each is cut
FLOOR_KNOWN_S = 2.0  # what another process makes pending in an older day is seen after that
SETTINGS = {
    "contents": "toast_tuple_target = 8160",  # most webhooks stay in their row: one write instead of three
    "deliveries": "fillfactor = 85",  # each is changed once or twice, in its place
}


class Days:
    """Which days there are, as far as this process knows."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._floor = 0
        self._floor_seen_s = float("-inf")

    def missing(self, days: Iterable[int]) -> set[int]:
        """Return the days that are not known to be there."""
        return set(days) - self._known

    def forget(self) -> None:
        """Look at the database again before anything is believed to be there."""
        self._known.clear()
        self.reconsider()

    def reconsider(self) -> None:
        """Look again for the oldest unfinished delivery: an old one may have become pending."""
        self._floor_seen_s = float("-inf")

    async def make(self, connection: Connection, days: Iterable[int]) -> None:
        """Make the partitions of these days, where there are none."""
        for day in sorted(self.missing(days)):
            async with connection.transaction():
                await lock(connection, DAYS)
                if day not in await existing(connection):
                    await connection.execute(_making(day))
            self._known.add(day)
            self.reconsider()

    async def floor(self, connection: Connection) -> int:
        """Return a number below which nothing is unfinished, so that nobody looks into every day there ever was."""
        if monotonic() - self._floor_seen_s >= FLOOR_KNOWN_S:
            seen_s = monotonic()
            self._floor = await _floor(connection)
            self._floor_seen_s = seen_s
        return self._floor


async def existing(connection: Connection) -> list[int]:
    """List the days that there are, the oldest first."""
    rows = await connection.fetch(
        "SELECT substr(relid::text, 8)::date - '1970-01-01'::date AS day FROM pg_partition_tree('events') WHERE isleaf"
        " ORDER BY day"
    )
    return [row["day"] for row in rows]


async def _floor(connection: Connection) -> int:
    days = await existing(connection)
    if not days:
        return 0
    unfinished = " UNION ALL ".join(f"SELECT {day} AS day WHERE {_is_unfinished(day)}" for day in days)
    first = await connection.fetchval(f"SELECT min(day) FROM ({unfinished}) AS unfinished")
    return span(days[-1] if first is None else first)[0]


def _is_unfinished(day: int) -> str:
    """Return the condition that something of a day is still to be delivered: two looks into small indexes."""
    table = f"deliveries_{date_of(day):%Y%m%d}"
    looks = (f"EXISTS (SELECT FROM {table} WHERE status = '{status}')" for status in ("pending", "sending"))
    return f"({' OR '.join(looks)})"


async def is_unfinished(connection: Connection, day: int) -> bool:
    """Tell whether anything of a day is still to be delivered."""
    return bool(await connection.fetchval(f"SELECT {_is_unfinished(day)}"))


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
            if await is_unfinished(connection, day):
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
