"""What happened in each minute, added up by all processes: what charts are drawn from, without counting a row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

ALL_DURATIONS = "all"
MINUTE = timedelta(minutes=1)
TAKEN = ("accepted", "duplicate")  # results of events


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """One thing that is counted. what: `event`, `proof`, `delivery` or `duration`.

    name: of the source or target. result: what became of it; of a proof, the number of the secret; of a duration, the
    bound in seconds up to which it went, or `ALL_DURATIONS`: only these have `seconds`.
    """

    what: str
    name: str
    result: str


@dataclass(frozen=True, slots=True)
class Figure:
    """How often something happened in the minute, or step, that begins at a time, and how long it took together."""

    at: datetime
    kind: Kind
    count: int
    seconds: float


def latest(seen: Iterable[tuple[str, str, datetime]]) -> dict[str, datetime]:
    """Tell when each source last sent an event. seen: of each source and result, when it last occurred."""
    last: dict[str, datetime] = {}
    for name, result, at in seen:
        if result in TAKEN:
            last[name] = max(at, last.get(name, at))
    return last


class Minutes(Protocol):
    """A small table: a row for each minute and kind, for as long as charts reach back."""

    async def add(self, at: datetime, counts: Mapping[Kind, tuple[int, float]], before: datetime) -> None:
        """Add to a minute's counts and seconds; forget the minutes before a time."""
        ...

    async def between(self, since: datetime, until: datetime, step: timedelta = MINUTE) -> Sequence[Figure]:
        """Return all figures of the minutes that begin in a time, in order.

        step: of how many minutes each figure is, from `since` on.
        """
        ...

    async def last_seen(self) -> Mapping[str, datetime]:
        """Tell the last minute in which each source sent an event, where it is still known."""
        ...

    async def last_proofs(self) -> Mapping[tuple[str, int], datetime]:
        """Tell the last minute in which each secret proved a request, by source and number, where it is still known."""
        ...
