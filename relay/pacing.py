"""How fast is too fast: a rate, kept by arithmetic alone."""

import math
from collections import deque

from relay.domain import Rate

_NS = 1_000_000_000


class TokenBucket:
    """Grants at most `count` things at once, and `count` more in each period that passes.

    It remembers a single number, the time at which the bucket will be full again, in whole nanoseconds, so that
    nothing is gained or lost by rounding. Source: the virtual scheduling algorithm of GCRA, ITU-T I.371, annex A.
    """

    __slots__ = ("_burst_ns", "_full_at_ns", "_interval_ns")

    def __init__(self, rate: Rate) -> None:
        self._interval_ns = math.ceil(rate.per_s * _NS / rate.count)
        self._burst_ns = self._interval_ns * (rate.count - 1)
        self._full_at_ns = 0

    def take(self, now_s: float) -> float:
        """Take one and return 0.0, or take none and return the seconds until there is one.

        now_s: from a clock that never goes back.
        """
        now_ns = round(now_s * _NS)
        granted_at_ns = self._full_at_ns - self._burst_ns
        if now_ns < granted_at_ns:
            return (granted_at_ns - now_ns) / _NS
        self._full_at_ns = max(self._full_at_ns, now_ns) + self._interval_ns
        return 0.0


class SlidingWindow:
    """Grants at most `count` things in any period, however it is laid: what a target's own limit may count by.

    A token bucket would grant twice as many in a period that begins with a full one.
    """

    __slots__ = ("_granted_s", "_per_s")

    def __init__(self, rate: Rate) -> None:
        self._per_s = rate.per_s
        self._granted_s: deque[float] = deque(maxlen=rate.count)

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until one more may go. now_s: from a clock that never goes back."""
        if len(self._granted_s) < (self._granted_s.maxlen or 0):
            return 0.0
        return max(0.0, self._granted_s[0] + self._per_s - now_s)

    def take(self, now_s: float) -> float:
        """Take one and return 0.0, or take none and return the seconds until there is one."""
        if (wait_s := self.wait_s(now_s)) > 0:
            return wait_s
        self._granted_s.append(now_s)
        return 0.0
