"""Our own metrics look to Prometheus as the library's would."""

from collections.abc import Iterable

import prometheus_client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from relay import metrics

NAME, TEXT, LABELS = "relay_thing", "What it is, with a \\ and a\nline.", ("target", "outcome")
values = st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["accepted", 'quo"ted', "back\\slash\n"])))
durations = st.floats(0, 100) | st.sampled_from(metrics.SECONDS)


def exposed(registry: CollectorRegistry) -> list[bytes]:
    return [line for line in generate_latest(registry).split(b"\n") if b"_created" not in line]


def pair() -> tuple[CollectorRegistry, CollectorRegistry]:
    return CollectorRegistry(), CollectorRegistry()


@given(values)
def test_a_counter_is_exposed_as_the_librarys(counted: Iterable[tuple[str, str]]) -> None:
    """Names, labels and their escapes: dashboards rely on them."""
    theirs, ours = pair()
    expected = prometheus_client.Counter(NAME, TEXT, LABELS, registry=theirs)
    counter = metrics.Counter(ours, NAME, TEXT, *LABELS)
    for labels in counted:
        expected.labels(*labels).inc()
        counter.count(*labels)

    assert exposed(theirs) == exposed(ours)


@given(values)
def test_a_gauge_is_exposed_as_the_librarys(noted: Iterable[tuple[str, str]]) -> None:
    """The last level stands."""
    theirs, ours = pair()
    expected = prometheus_client.Gauge(NAME, TEXT, LABELS, registry=theirs)
    gauge = metrics.Gauge(ours, NAME, TEXT, *LABELS)
    for level, labels in enumerate(noted):
        expected.labels(*labels).set(level)
        gauge.set(level, *labels)

    assert exposed(theirs) == exposed(ours)


@given(st.lists(durations))
def test_a_histogram_is_exposed_as_the_librarys(observed: Iterable[float]) -> None:
    """A duration that is exactly a bound lies within it, and each bucket holds what the ones before it do."""
    theirs, ours = pair()
    expected = prometheus_client.Histogram(NAME, TEXT, ["target"], buckets=metrics.SECONDS, registry=theirs)
    histogram = metrics.Histogram(ours, NAME, TEXT, "target")
    for duration_s in observed:
        expected.labels("erp").observe(duration_s)
        histogram.observe(duration_s, "erp")

    assert exposed(theirs) == exposed(ours)
