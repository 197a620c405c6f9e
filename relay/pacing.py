"""How fast is too fast: a rate, kept by arithmetic alone."""

import math

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
