"""The arithmetic of the benchmarks: a percentile is a value that was seen, and a latency begins when it was planned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.figures import latencies_ms, percentile, planned_times


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (99.5, 100.0), (100, 100.0)])
def test_a_percentile_of_a_hundred_values_is_the_one_of_that_rank(percent: float, expected: float) -> None:
    """The nearest-rank method, by its own example; the order of the values is of no account."""
    values = [float(number) for number in range(100, 0, -1)]

    assert expected == percentile(values, percent)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100))
def test_a_percentile_is_a_value_that_enough_values_do_not_exceed(values: list[float], percent: float) -> None:
    """Nothing is invented between two values, and no smaller one would do."""
    found = percentile(values, percent)

    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) * (1 - 1e-9)
    assert sum(value < found for value in values) < percent / 100 * len(values) * (1 + 1e-9)


def test_an_even_flow_is_planned_from_its_first_request_on() -> None:
    """Four a second: one every quarter of a second."""
    assert [10.0, 10.25, 10.5] == planned_times(4, 3, first_s=10.0)


def test_a_stall_is_told_by_every_request_that_it_held_up() -> None:
    """A server that stands still for 1 s under 4 requests a second made not one sender wait, but each of them."""
    planned_s = planned_times(4, 5, first_s=0.0)
    answered_s = [1.0, 1.0, 1.0, 1.0, 1.0]

    assert [1000.0, 750.0, 500.0, 250.0, 0.0] == latencies_ms(planned_s, answered_s)
