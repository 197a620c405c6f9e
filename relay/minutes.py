"""What happened in each minute: the process's own counts, written down every few seconds."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.store.ports.minutes import Kind
from relay.store.protocol import Store

KEPT = timedelta(days=7)

Counts = Mapping[Kind, tuple[int, float]]  # (how often, seconds together)


class MinuteBook:
    """Adds to the store's minutes what was counted since the last time. counted: since the process began."""

    def __init__(self, store: Store, counted: Callable[[], Counts], clock: Clock) -> None:
        self._store = store
        self._counted = counted
        self._clock = clock
        self._written: dict[Kind, tuple[int, float]] = {}

    async def write(self) -> None:
        """Write down what is new. What could not be written is written next time."""
        counts = dict(self._counted())
        new = {kind: difference for kind in counts if (difference := self._difference(kind, counts[kind]))[0]}
        if new:
            now = self._clock.now()
            await self._store.minutes.add(minute_of(now), new, now - KEPT)
        self._written = counts

    def _difference(self, kind: Kind, counted: tuple[int, float]) -> tuple[int, float]:
        count, seconds = self._written.get(kind, (0, 0.0))
        return counted[0] - count, counted[1] - seconds


def minute_of(time: datetime) -> datetime:
    """Return when a time's minute began."""
    return time.replace(second=0, microsecond=0)
