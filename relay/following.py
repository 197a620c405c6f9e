"""What is new since the last look: events and refused requests, each told once, oldest first.

An event's id begins with the time at which it came, and it is there once it is committed: a little later, and not in
the order of the ids. So each look goes back a little, and leaves out what was told before.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from relay.finding import time_of
from relay.store.ports.rejections import RejectionRow
from relay.store.ports.search import EventFilter, EventRow
from relay.store.protocol import Store

LATE = timedelta(seconds=10)  # so much later than it came an event may be committed, or by so much clocks may differ
PAGE_ROWS = 500


class Following:
    """Looks again and again. since: what came before is not told."""

    def __init__(self, store: Store, wanted: EventFilter, since: datetime) -> None:
        self._store = store
        self._wanted = wanted
        self._since = since
        self._look_from = since
        self._told: set[str] = set()  # of what came since `_look_from`
        self._last_refused = 0

    async def look(self) -> Sequence[EventRow | RejectionRow]:
        """Return what is new."""
        return sorted([*await self._new_events(), *await self._new_refused()], key=lambda row: row.received_at)

    async def _new_events(self) -> Sequence[EventRow]:
        new = [row for row in await self._events_since(self._look_from) if row.id not in self._told]
        self._told.update(row.id for row in new)
        if self._told:
            self._look_from = max(self._since, time_of(max(self._told)) - LATE)
            self._told = {each for each in self._told if time_of(each) >= self._look_from}
        return sorted(new, key=lambda row: row.id)

    async def _events_since(self, since: datetime) -> Sequence[EventRow]:
        found: list[EventRow] = []
        wanted, last = replace(self._wanted, since=since), None
        while True:
            page = await self._store.search.events(wanted, last, PAGE_ROWS)
            found += page.events
            last = page.last
            if last is None:
                return found

    async def _new_refused(self) -> Sequence[RejectionRow]:
        """Return what was refused, where no more is asked for than a source: a refused request has no more."""
        if replace(self._wanted, source=None, since=None) != EventFilter():
            return []
        new: list[RejectionRow] = []
        after: int | None = None
        while rows := await self._store.rejections.page(self._wanted.source, None, after, PAGE_ROWS):
            fresh = [row for row in rows if row.number > self._last_refused and row.received_at >= self._since]
            new += fresh
            if len(fresh) < len(rows):
                break
            after = rows[-1].number
        self._last_refused = max((row.number for row in new), default=self._last_refused)
        return new
