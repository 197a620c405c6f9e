"""What was asked for, looked for page by page: as long as whoever asks has patience, and no longer."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from relay.clock import Clock
from relay.store.ports.rejections import RejectionRow
from relay.store.ports.search import Count, EventFilter, EventPage, EventRow
from relay.store.protocol import Store

COUNTED_MAX = 10_000  # more are "10,000+": nobody needs to know exactly how many they are
NEWEST_S = 0.4  # for the newest events, whole: mostly it is among them
REFUSED_ROWS = 200  # are read at a time
REFUSED_BYTES_MAX = 32 * 1024 * 1024  # of bodies are read in search of a text


async def find_events(
    store: Store,
    wanted: EventFilter,
    after: str | None,
    limit: int,
    clock: Clock,
    patience_s: float,
    *,
    enough: int | None = None,
    bodies: bool = True,
) -> EventPage:
    """Return up to `limit` events, newest first: the search goes on from page to page until it took so long.

    enough: with so many of them it does not begin another page. bodies: whether a text is looked for in them, too.
    """
    end_s = clock.monotonic() + patience_s
    events: list[EventRow] = []
    searched, last = 0, after
    while True:
        page = await store.search.events(wanted, last, limit - len(events), bodies=bodies)
        events += page.events
        searched, last = searched + page.searched, page.last
        if last is None or len(events) >= (enough or limit) or clock.monotonic() >= end_s:
            return EventPage(tuple(events), searched, last)


@dataclass(frozen=True, slots=True)
class Sought:
    """Events that hold a text, newest first.

    searched, last: how many were looked at whole, and after which older ones were not. keys, last_key: the same of
    those beyond, of which no more than id and key were looked at.
    """

    events: tuple[EventRow, ...]
    searched: int
    last: str | None
    keys: int = 0
    last_key: str | None = None


async def seek(store: Store, wanted: EventFilter, limit: int, clock: Clock, patience_s: float) -> Sought:
    """Look for a text: in the newest events, then in the ids and keys of all, then in older bodies; until it is found.

    A key mostly holds the number that somebody looks for, and the keys of a million events are looked at while the
    bodies of a hundred thousand are.
    """
    end_s = clock.monotonic() + patience_s
    newest = await find_events(store, wanted, None, limit, clock, min(NEWEST_S, patience_s), enough=1)
    sought = Sought(newest.events, newest.searched, newest.last)
    if sought.events or sought.last is None or clock.monotonic() >= end_s:
        return sought
    left_s = end_s - clock.monotonic()
    keys = await find_events(store, wanted, sought.last, limit, clock, left_s, enough=1, bodies=False)
    sought = replace(sought, events=keys.events, keys=keys.searched, last_key=keys.last)
    if sought.events or clock.monotonic() >= end_s:
        return sought
    left_s = end_s - clock.monotonic()
    older = await find_events(store, wanted, sought.last, limit, clock, left_s, enough=1)
    return replace(sought, events=older.events, searched=sought.searched + older.searched, last=older.last)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many events there are, and how many were looked at to know it."""

    count: Count
    searched: int


async def count_events(store: Store, wanted: EventFilter, clock: Clock, patience_s: float) -> Counted:
    """Count events, up to `COUNTED_MAX` and for so long."""
    end_s = clock.monotonic() + patience_s
    number, searched, last = 0, 0, None
    while True:
        page = await store.search.event_ids(wanted, last, COUNTED_MAX - number, oldest_first=False)
        number, searched, last = number + len(page.ids), searched + page.searched, page.last
        if last is None or number >= COUNTED_MAX or clock.monotonic() >= end_s:
            return Counted(Count(number, last is None), searched)


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused requests that hold a text, newest first. is_all: False where older ones were not looked at."""

    rows: tuple[RejectionRow, ...]
    searched: int
    is_all: bool


async def find_refused(store: Store, text: str, limit: int, bytes_max: int = REFUSED_BYTES_MAX) -> Refused:
    """Look for a text in the bodies of what was refused, as it is looked for in events."""
    found: list[RejectionRow] = []
    searched, after, left = 0, None, bytes_max
    while rows := await store.rejections.page(None, None, after, REFUSED_ROWS):
        read = [row for row in rows if (left := left - row.body_bytes) >= 0]
        holding = await store.rejections.holding(text, [row.number for row in read])
        found += [row for row in read if row.number in holding]
        searched, after = searched + len(read), rows[-1].number
        if left < 0 or len(found) >= limit:
            return Refused(tuple(found[:limit]), searched, is_all=False)
    return Refused(tuple(found), searched, is_all=True)


def time_of(event_id: str) -> datetime:
    """Return when an event was received, which its id begins with."""
    return datetime.fromtimestamp(int(event_id[4:16], 16) / 1000, UTC)
