"""A past with something in it to look for: what died, what waits, what is rare and long ago, minutes, refused requests.

It is made beside the rows of `filling` and `filling_postgres`, on either engine.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from relay.domain import Refusal
from relay.minutes import minute_of
from relay.replays import new_replay
from relay.store.ports.minutes import ALL_DURATIONS, Kind
from relay.store.ports.rejections import Bounds, Rejection
from relay.store.ports.search import EventFilter, EventStatus
from relay.store.protocol import Store

CARRIED, PAUSED, REMOVED = "erp", "crm", "former"  # targets: the first has all but the newest and the oldest events
RARE_SOURCE, RARE_TYPE = "rare", "rare.seen"  # of the oldest events, so that a search for them goes through all

# The same words in both engines. What was delivered is dead, waits, or was cancelled, from here on.
STATEMENTS = (
    "UPDATE deliveries SET status = 'dead', reason = 'errored: 500' WHERE id % 100 = 1",
    f"""
    UPDATE deliveries SET target = '{PAUSED}', status = 'pending', attempts = 0, finished_at = NULL, reason = ''
    WHERE event_seq IN (SELECT seq FROM events ORDER BY seq DESC LIMIT 5000)""",
    f"""
    UPDATE deliveries SET target = '{REMOVED}', status = 'cancelled'
    WHERE event_seq IN (SELECT seq FROM events ORDER BY seq LIMIT 100)""",
    f"""
    UPDATE events SET source = '{RARE_SOURCE}', type = '{RARE_TYPE}'
    WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT 100)""",
)

DAY_MINUTES = 1440
SOURCES = TARGETS = 10
BOUNDS = ("0.05", "0.1", "0.25", ALL_DURATIONS)
REFUSED = 1000
JOBS = 50


async def make(store: Store) -> None:
    """Have what operators look at beside events, as it is after a busy day."""
    now = datetime.now(UTC)
    await store.pause(PAUSED, now, is_paused=True)
    counts = dict.fromkeys(_kinds(), (5, 0.1))
    for number in range(DAY_MINUTES):
        await store.minutes.add(minute_of(now) - timedelta(minutes=number), counts, now - timedelta(days=7))
    await store.rejections.keep(
        [_refused(now) for _ in range(REFUSED)], Bounds(now - timedelta(days=1), REFUSED, 10**9)
    )
    for number in range(JOBS):
        wanted = EventFilter(source="shop", status=EventStatus.DEAD)
        job = new_replay(wanted, now - timedelta(minutes=number), os.urandom(10), only_dead=True)
        await store.replays.begin(job)
        await store.replays.cancel(job.id, now)


def _kinds() -> Iterator[Kind]:
    for number in range(SOURCES):
        yield Kind("event", f"source-{number}", "accepted")
        yield Kind("event", f"source-{number}", Refusal.MISMATCH.value)
    for number in range(TARGETS):
        yield Kind("delivery", f"target-{number}", "accepted")
        yield from (Kind("duration", f"target-{number}", bound) for bound in BOUNDS)


def _refused(now: datetime) -> Rejection:
    return Rejection(
        number=0,
        source="shop",
        refusal=Refusal.MISMATCH,
        received_at=now,
        method="POST",
        origin="https://hooks.example.com",
        path="/in/shop",
        query="",
        headers=(("X-Signature", "sha256=00"),),
        remote="192.0.2.1",
        token=None,
        body=b"x" * 1000,
    )
