"""Lines of the log that anybody may cause any number of: a few are let through, the rest are counted."""

from collections import defaultdict

from relay.clock import Clock
from relay.domain import Rate
from relay.pacing import TokenBucket

LINES = Rate(10, 60.0)  # of one kind, before they are sampled
FAREWELLS = Rate(1, 60.0)  # of a target that is gone: each attempt has a line of its own, too


class Sampler:
    """Lets a few lines of a kind through in each period, and counts the rest: a flood is not a log storm."""

    def __init__(self, clock: Clock, rate: Rate = LINES) -> None:
        self._clock = clock
        self._rate = rate
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._unsaid: defaultdict[tuple[str, str], int] = defaultdict(int)

    def count(self, kind: tuple[str, str]) -> int | None:
        """Return how many lines of this kind were kept back since the last one, or None: keep this one back."""
        bucket = self._buckets.setdefault(kind, TokenBucket(self._rate))
        if bucket.take(self._clock.monotonic()) > 0:
            self._unsaid[kind] += 1
            return None
        return self._unsaid.pop(kind, 0)
