"""Rates: never more than allowed, and as much as allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import Rate
from relay.pacing import TokenBucket

rates = st.builds(Rate, st.integers(1, 10_000), st.sampled_from([0.001, 0.1, 1.0, 60.0, 3600.0, 86400.0]))
starts = st.floats(0, 1e6)
pauses = st.lists(st.sampled_from([0.0, 1e-6, 0.001, 0.3]) | st.floats(0, 200), max_size=60)


@given(rate=rates, start_s=starts, pauses_s=pauses)
def test_never_more_is_granted_than_the_rate_allows(rate: Rate, start_s: float, pauses_s: list[float]) -> None:
    """Between any two grants lie no more than one burst and what the time between them brings."""
    bucket = TokenBucket(rate)
    now_s, granted_s = start_s, []
    for pause_s in pauses_s:
        now_s += pause_s
        if bucket.take(now_s) == 0.0:
            granted_s.append(now_s)

    for first, first_s in enumerate(granted_s):
        for last in range(first, len(granted_s)):
            allowed = rate.count * (1 + (granted_s[last] - first_s) / rate.per_s)
            assert last - first + 1 <= allowed + 1e-6


@given(rate=rates, start_s=starts)
def test_a_whole_periods_count_may_come_at_once(rate: Rate, start_s: float) -> None:
    """Senders come in bursts: a full bucket holds one period's count, and not one more."""
    bucket = TokenBucket(Rate(min(rate.count, 50), rate.per_s))

    waits = [bucket.take(start_s) for _ in range(min(rate.count, 50) + 1)]

    assert [0.0] * min(rate.count, 50) == waits[:-1]
    assert waits[-1] > 0


@given(rate=rates, start_s=starts, pauses_s=pauses)
def test_who_waits_as_told_is_granted(rate: Rate, start_s: float, pauses_s: list[float]) -> None:
    """Retry-After must not be a lie: after it, there is one."""
    bucket = TokenBucket(rate)
    now_s = start_s
    for pause_s in pauses_s:
        now_s += pause_s
        if wait_s := bucket.take(now_s):
            now_s += wait_s + 1e-9
            assert bucket.take(now_s) == 0.0


@pytest.mark.parametrize(("now_s", "wait_s"), [(100.0, 6.0), (103.0, 3.0), (106.0, 0.0)])
def test_an_empty_bucket_says_how_long(now_s: float, wait_s: float) -> None:
    """10 in a minute is one in six seconds."""
    bucket = TokenBucket(Rate(10, 60.0))
    for _ in range(10):
        bucket.take(100.0)

    assert wait_s == bucket.take(now_s)


def test_an_idle_bucket_fills_up_and_no_further() -> None:
    """A quiet day does not allow for a flood after it."""
    bucket = TokenBucket(Rate(2, 1.0))
    bucket.take(0.0)

    assert [0.0, 0.0] == [bucket.take(86400.0), bucket.take(86400.0)]
    assert bucket.take(86400.0) == 0.5
