"""Keeping the database small, and proving that it can be written: days made ahead, old ones dropped whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from relay.clock import to_ms
from relay.store.choosing import within
from relay.store.postgres import days, unfinished
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.numbers import DAY, Stretch, day_of, span
from relay.store.postgres.tallies import tally
from relay.store.postgres.unfinished import DAYS_AHEAD, Unfinished
from relay.store.tallying import Change

WHOLE_DAYS_FROM = timedelta(days=2)  # who keeps history for at least so long does not mind one day more
KEYS_A_STEP = 50  # for each event of a step: keys are small
FORGOTTEN_AFTER = timedelta(days=1)  # a process that was killed


class Purge(NamedTuple):
    """What `purge` was asked."""

    before: datetime
    now: datetime
    limit: int
    bytes_max: int

    @property
    def takes_whole_days(self) -> bool:
        """Tell whether days are dropped once all of their events are old, and never a part of one before."""
        return self.now - self.before >= WHOLE_DAYS_FROM


async def first_look(connection: Connection) -> None:
    """Know which days are unfinished before anybody asks for what is."""
    await unfinished.first_look(connection, await days.existing(connection))


async def purge(connection: Connection, known: Days, shard: int, wish: Purge) -> bool:
    """Drop what is old, a step of it; tell whether there may be more."""
    await known.make(connection, [day_of(wish.now + ahead * DAY) for ahead in range(DAYS_AHEAD + 1)])
    dropped_keys = await connection.fetchval(_DROP_KEYS, wish.now, wish.limit * KEYS_A_STEP)
    await connection.execute("DELETE FROM holds WHERE ended_at < $1", wish.before)
    await connection.execute("DELETE FROM grants WHERE at < $1", wish.before)  # of a target that has no rate any more
    await connection.execute(_forget(known.unfinished), FORGOTTEN_AFTER)
    if known.must_be_looked_at():
        await unfinished.look(connection, await days.existing(connection))
    return bool(dropped_keys) or await _drop_history(connection, known, shard, wish)


async def _drop_history(connection: Connection, known: Days, shard: int, wish: Purge) -> bool:
    last = day_of(wish.before)
    existing = await days.existing(connection)
    for day in existing:
        if day < min(last, day_of(wish.now)) and await days.drop(connection, day):
            known.forget()
            return True
    for day in existing:
        is_partial = day == last and not wish.takes_whole_days
        if (day < last or is_partial) and await _drop_finished(connection, shard, day, wish):
            return True
    return False


async def _drop_finished(connection: Connection, shard: int, day: int, wish: Purge) -> bool:
    """Drop finished events of a day that cannot be dropped whole: something of it is unfinished, or not old yet."""
    async with connection.transaction():
        its = span(day)
        found = await connection.fetch(_finished(its), f"evt_{to_ms(wish.before):012x}", wish.limit)
        seqs = within([(row["seq"], row["body_bytes"]) for row in found], wish.bytes_max)
        still = await connection.fetch(_hold_still(its), seqs)
        revived = {row["event_seq"] for row in still if row["is_unfinished"]}
        seqs = [seq for seq in seqs if seq not in revived]
        if not seqs:
            return False
        dead = await connection.fetch(_drop_deliveries(its), seqs)
        await connection.execute(f"DELETE FROM contents WHERE event_seq = ANY ($1) AND {its.has('event_seq')}", seqs)
        await connection.execute(f"DELETE FROM events WHERE seq = ANY ($1) AND {its.has('seq')}", seqs)
        await tally(connection, shard, [Change(row["target"], 0, -row["dead"]) for row in dead])
    return True


async def probe(connection: Connection, times: Sequence[datetime]) -> list[None]:
    """Write the time of the last probe."""
    await connection.execute(_PROBE, times[-1])
    return [None] * len(times)


_PROBE = "INSERT INTO probe (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at"


_DROP_KEYS = """
    WITH dropped AS (
        DELETE FROM dedupe_keys WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM dedupe_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
        RETURNING 1)
    SELECT count(*) FROM dropped"""


def _forget(days: Unfinished) -> str:
    return f"""
    DELETE FROM workers w WHERE seen_at < now() - $1::interval
        AND NOT EXISTS (SELECT FROM deliveries WHERE status = 'sending' AND leased_by = w.name AND {days.has("id")})"""


# The deliveries of an event have numbers of its day.


def _finished(days: Stretch) -> str:
    return f"""
    SELECT e.seq, e.body_bytes FROM events e
    WHERE {days.has("e.seq")} AND e.id < $1 AND NOT EXISTS (
        SELECT FROM deliveries d WHERE d.event_seq = e.seq AND {days.has("d.id")} AND d.finished_at IS NULL)
    ORDER BY e.id LIMIT $2"""


def _hold_still(days: Stretch) -> str:
    """Return what locks deliveries: from here on no replay makes one pending; one that was quicker is seen."""
    return f"""
    SELECT event_seq, finished_at IS NULL AS is_unfinished FROM deliveries
    WHERE event_seq = ANY ($1) AND {days.has("id")} FOR UPDATE"""


def _drop_deliveries(days: Stretch) -> str:
    return f"""
    WITH gone AS (
        DELETE FROM deliveries WHERE event_seq = ANY ($1) AND {days.has("id")} RETURNING id, target, status),
    untold AS (DELETE FROM attempts a USING gone WHERE a.delivery_id = gone.id AND {days.has("a.delivery_id")})
    SELECT target, count(*) FILTER (WHERE status = 'dead') AS dead FROM gone GROUP BY target"""
