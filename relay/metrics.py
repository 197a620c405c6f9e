"""Metrics as plain numbers, given Prometheus's form only when somebody looks.

The library's own may be counted from any thread: each takes a lock each time, which costs more than the counting.
These are for one thread, the event loop's.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from relay.clock import Clock

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BOUNDS = [*map(str, SECONDS), "+Inf"]


class Metric(Collector):
    """One metric, with a number or several for each combination of its labels' values."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, *labels: str) -> None:
        self._name, self._text, self._labels = name, text, labels
        registry.register(self)


class Counter(Metric):
    """How often something happened."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, *labels: str) -> None:
        super().__init__(registry, name, text, *labels)
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)

    def count(self, *values: str) -> None:
        """Count one more."""
        self._counts[values] += 1

    def expect(self, *values: str) -> None:
        """Tell of something as zero until it happens: a rate sees only what rises, and what is born at one has not."""
        self._counts[values] += 0

    def counts(self) -> Iterable[tuple[tuple[str, ...], int]]:
        """Tell each combination of values with its count."""
        return self._counts.items()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Tell the library."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric(values, count)
        yield family


class Moments(Metric):
    """When something happened last: noted as time elapsed, which costs a third of a date, and told as a date."""

    def __init__(self, registry: CollectorRegistry, clock: Clock, name: str, text: str, *labels: str) -> None:
        super().__init__(registry, name, text, *labels)
        self._clock = clock
        self._elapsed_s: dict[tuple[str, ...], float] = {}

    def note(self, *values: str) -> None:
        """Note that it happens now."""
        self._elapsed_s[values] = self._clock.monotonic()

    def last(self, *values: str) -> datetime | None:
        """Return when it happened, or None."""
        elapsed_s = self._elapsed_s.get(values)
        return None if elapsed_s is None else self._at(elapsed_s)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Tell the library."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for values, elapsed_s in self._elapsed_s.items():
            family.add_metric(values, self._at(elapsed_s).timestamp())
        yield family

    def _at(self, elapsed_s: float) -> datetime:
        return self._clock.now() - timedelta(seconds=self._clock.monotonic() - elapsed_s)


class Gauge(Metric):
    """How something stands."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, *labels: str) -> None:
        super().__init__(registry, name, text, *labels)
        self._levels: dict[tuple[str, ...], float] = {}

    def set(self, level: float, *values: str) -> None:
        """Note how it stands now."""
        self._levels[values] = level

    def forget(self, *values: str) -> None:
        """Tell of it no more."""
        self._levels.pop(values, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Tell the library."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for values, level in self._levels.items():
            family.add_metric(values, level)
        yield family


class Histogram(Metric):
    """How long something takes."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, *labels: str) -> None:
        super().__init__(registry, name, text, *labels)
        self._spreads: defaultdict[tuple[str, ...], Spread] = defaultdict(Spread)

    def observe(self, duration_s: float, *values: str) -> None:
        """Count one more, with how long it took."""
        spread = self._spreads[values]
        spread.counts[bisect_left(SECONDS, duration_s)] += 1
        spread.sum_s += duration_s

    def spreads(self) -> Iterable[tuple[tuple[str, ...], "Spread"]]:
        """Tell each combination of values with its durations."""
        return self._spreads.items()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Tell the library, whose buckets hold what the ones before them do, too."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, spread in self._spreads.items():
            buckets = zip(BOUNDS, accumulate(spread.counts), strict=True)
            family.add_metric(values, list(buckets), spread.sum_s)
        yield family


class Spread:
    """How many durations lie between two bounds each, and how long all took together."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * len(BOUNDS)
        self.sum_s = 0.0
