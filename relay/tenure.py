"""For how long this process may believe that what it has leased is still its own.

It may have stood still: a machine that slept, a container that was frozen, a database that was away. Whoever wakes
after that asks no clock of the day, which may have been set meanwhile, but the one that only counts.
"""

from relay.clock import Clock

SURE_S = 45.0  # of a lease's 60; the rest is for clocks that differ, and for what is being sent when it runs out


class Tenure:
    """Since when all that this process holds is surely leased to it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s = clock.monotonic()
        self._lapses = 0

    @property
    def lapses(self) -> int:
        """Tell how often it ceased to be sure, up to this moment. What is leased after that is sure again."""
        now_s = self._clock.monotonic()
        if now_s - self._since_s >= SURE_S:
            self._since_s = now_s
            self._lapses += 1
        return self._lapses

    def prolonged(self, at_s: float) -> None:
        """Learn that all that was held at a time was leased anew."""
        self._since_s = max(self._since_s, at_s)
