"""The one that watches the time: it wakes each lane when something in the store falls due for it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.errors import StoreUnavailable
from relay.lanes import Lanes
from relay.store.protocol import Store

POLL_S = 1.0  # the longest that what a hand has planned, or another process that woke nobody, waits to be seen


class Scheduler:
    """Asks the store what is due next, and sleeps until then, or until another process wakes it."""

    def __init__(self, store: Store, lanes: Lanes, targets: Sequence[str], clock: Clock) -> None:
        self._store = store
        self._lanes = lanes
        self._targets = targets
        self._clock = clock
        self._beat_s = clock.monotonic()
        self._asleep_until = clock.now()
        self._sooner = asyncio.Event()

    def adopt(self, targets: Iterable[str]) -> None:
        """Watch the time for these targets, and look at once."""
        self._targets = list(targets)
        self._sooner.set()

    @property
    def silent_s(self) -> float:
        """Return for how long nothing was heard of it: more than a few seconds means that it hangs."""
        return self._clock.monotonic() - self._beat_s

    def expect(self, due_at: datetime) -> None:
        """Say that something will be due at a time, perhaps before it would look again."""
        if due_at < self._asleep_until:
            self._sooner.set()

    async def run(self) -> None:
        """Wake lanes, for ever."""
        while True:
            self._beat_s = self._clock.monotonic()
            await self._sleep(await self._wake_lanes())

    async def _wake_lanes(self) -> float:
        """Wake each lane that has something due; return the seconds until there may be more."""
        try:
            due = await self._store.next_due(self._targets)
        except StoreUnavailable:  # readiness tells of it; a lane that was not woken loses nothing
            return POLL_S
        now = self._clock.now()
        self._lanes.wake(target for target, due_at in due.items() if due_at <= now)
        return min([POLL_S, *((due_at - now).total_seconds() for due_at in due.values() if due_at > now)])

    async def _sleep(self, seconds: float) -> None:
        self._asleep_until = self._clock.now() + timedelta(seconds=seconds)
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        nudged = asyncio.ensure_future(self._sooner.wait())
        woken = asyncio.ensure_future(self._store.woken())
        try:
            await asyncio.wait((sleeping, nudged, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sooner.clear()
            waiting = (sleeping, nudged, woken)
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)  # if told to stop here, it does
