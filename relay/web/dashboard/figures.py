"""What charts and tiles show, added up from the minutes that the API tells."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MINUTE = timedelta(minutes=1)
TAKEN = "accepted"
USUAL = 0.95  # of all attempts

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each step. None: nothing that could be measured happened in it."""

    name: str
    values: Sequence[float | None]

    @property
    def latest(self) -> float | None:
        """Return the newest value there is."""
        return next((value for value in reversed(self.values) if value is not None), None)

    @property
    def total(self) -> float:
        """Return all values together."""
        return sum(value or 0 for value in self.values)


@dataclass(frozen=True, slots=True)
class Figures:
    """The last minutes, in steps. at: when each step begins, in seconds since 1970."""

    at: Sequence[int]
    minutes: int
    events: Series
    refused: Series
    delivered: Series
    failed: Series
    took_ms: Series
    usual_s: float | None  # most attempts were quicker; None: there were none, or they took longer than is measured

    @property
    def pace(self) -> str:
        """Say what a count is of."""
        step = self.minutes // len(self.at)
        return "a minute" if step == 1 else f"in {step} minutes"

    @property
    def success(self) -> float | None:
        """Return the share of attempts that were taken, or None where there were none."""
        tried = self.delivered.total + self.failed.total
        return self.delivered.total / tried if tried else None


def figures(stats: Mapping[str, Any]) -> Figures:
    """Add up an answer of `GET stats`."""
    since, until = (datetime.fromisoformat(stats[key]) for key in ("since", "until"))
    step = timedelta(seconds=stats["step_s"])
    steps = [since + step * number for number in range((until - since) // step)]
    at = {began_at: index for index, began_at in enumerate(steps)}

    def counted(name: str, rows: Rows) -> Series:
        values = [0] * len(steps)
        for row in rows:
            index = at.get(datetime.fromisoformat(row["at"]))
            if index is not None:
                values[index] += row["count"]
        return Series(name, values)

    events, tried, spans = stats["events"], stats["deliveries"], stats["durations"]
    sums = [span for span in spans if span["bound"] == "all"]
    count = counted("", sums)
    seconds = counted("", [{**span, "count": span["seconds"]} for span in sums])
    took = [s * 1000 / n if n else None for s, n in zip(seconds.values, count.values, strict=True) if s is not None]
    return Figures(
        [int(began_at.timestamp()) for began_at in steps],
        (until - since) // MINUTE,
        counted("accepted", (row for row in events if row["result"] == TAKEN)),
        counted("refused", (row for row in events if row["result"] not in (TAKEN, "duplicate", "handshake"))),
        counted("delivered", (row for row in tried if row["outcome"] == TAKEN)),
        counted("failed", (row for row in tried if row["outcome"] != TAKEN)),
        Series("mean", took),
        _usual_s(span for span in spans if span["bound"] != "all"),
    )


def rates(stats: Mapping[str, Any]) -> Mapping[str, int]:
    """Tell how many events each source sent in the time that an answer of `GET stats` is about."""
    counts: defaultdict[str, int] = defaultdict(int)
    for row in stats["events"]:
        if row["result"] == TAKEN:
            counts[row["source"]] += row["count"]
    return counts


def _usual_s(spans: Rows) -> float | None:
    """Return the bound up to which most attempts took."""
    counts: defaultdict[float, int] = defaultdict(int)
    for span in spans:
        counts[float("inf") if span["up_to_s"] is None else span["up_to_s"]] += span["count"]
    wanted, reached = sum(counts.values()) * USUAL, 0
    for bound in sorted(counts):
        reached += counts[bound]
        if reached >= wanted:
            return None if bound == float("inf") else bound
    return None
