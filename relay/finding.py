"""What was asked for, looked for page by page: as long as whoever asks has patience, and no longer."""

from dataclasses import dataclass
from datetime import UTC, datetime

from relay.clock import Clock
from relay.store.ports.rejections import RejectionRow
from relay.store.ports.search import TEXT_BYTES_MAX, Count, EventFilter, EventPage, EventRow, needles
from relay.store.protocol import Store

COUNTED_MAX = 10_000  # more are "10,000+": nobody needs to know exactly how many they are
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
) -> EventPage:
    """Return up to `limit` events, newest first: the search goes on from page to page until it took so long.

    enough: with so many of them it does not begin another page.
    """
    end_s = clock.monotonic() + patience_s
    events: list[EventRow] = []
    searched, last = 0, after
    while True:
        page = await store.search.events(wanted, last, limit - len(events))
        events += page.events
        searched, last = searched + page.searched, page.last
        if last is None or len(events) >= (enough or limit) or clock.monotonic() >= end_s:
            return EventPage(tuple(events), searched, last)


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
        for row in rows:
            left -= row.body_bytes
            if left < 0 or len(found) == limit:
                return Refused(tuple(found), searched, is_all=False)
            searched += 1
            found += [row] if await _holds(store, row, text) else []
        after = rows[-1].number
    return Refused(tuple(found), searched, is_all=True)


async def _holds(store: Store, row: RejectionRow, text: str) -> bool:
    rejection = await store.rejections.one(row.number) if row.body_bytes else None
    return rejection is not None and any(needle in rejection.body[:TEXT_BYTES_MAX] for needle in needles(text))


def time_of(event_id: str) -> datetime:
    """Return when an event was received, which its id begins with."""
    return datetime.fromtimestamp(int(event_id[4:16], 16) / 1000, UTC)
