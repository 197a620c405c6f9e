"""What happened in each minute: the process's own counts, written down every few seconds."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.clock import Clock
from relay.store.ports.minutes import Kind
from relay.store.protocol import Store

KEPT = timedelta(days=7)
SPAN_MAX = 1440  # minutes
STEPS = (1, 5, 15)  # minutes: each divides an hour
STEPS_MAX = 120  # in a span

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


@dataclass(frozen=True, slots=True)
class Span:
    """The last minutes, up to the end of the present one, and the steps in which they are told."""

    since: datetime
    until: datetime
    step: timedelta


def last_minutes(count: int, now: datetime) -> Span:
    """Return the span of so many minutes, in so few steps that they can be drawn; and some more, to fill the first."""
    step = next(minutes for minutes in STEPS if count <= minutes * STEPS_MAX)
    until = minute_of(now) + timedelta(minutes=1)
    return Span(until - timedelta(minutes=math.ceil(count / step) * step), until, timedelta(minutes=step))


def minute_of(time: datetime) -> datetime:
    """Return when a time's minute began."""
    return time.replace(second=0, microsecond=0)
