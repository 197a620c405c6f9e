"""The arithmetic of measured numbers."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of all values do not exceed: one that was really seen.

    Source: the nearest-rank method.
    """
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def planned_times(per_s: float, count: int, first_s: float) -> list[float]:
    """Say when each request of an even flow is to be sent, in seconds."""
    return [first_s + number / per_s for number in range(count)]


def latencies_ms(planned_s: Sequence[float], answered_s: Sequence[float]) -> list[float]:
    """Return how long each answer took since its request was planned, in milliseconds.

    Counted from when it was sent, a stall would excuse every request that it held back: coordinated omission.
    Source: G. Tene, "How NOT to Measure Latency", 2015.
    """
    return [(answered - planned) * 1000 for planned, answered in zip(planned_s, answered_s, strict=True)]
