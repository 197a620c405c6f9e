"""The nouns of the benchmarks: what is measured, how good it has to be, and what one round showed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STEP_S_MAX = 150.0  # a round of one benchmark that hangs ends, and is told as not measured

RATIO = "{:.3f}"


class NotMeasured(Exception):
    """Something is missing without which there is nothing to measure: no later round would go better."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, if there is one, and on which side of it is well. template: how a value is written, with its unit."""

    bound: float | None
    is_floor: bool
    template: str

    def is_met_by(self, value: float) -> bool:
        """Tell whether a value is good enough."""
        if self.bound is None:
            return True
        return value >= self.bound if self.is_floor else value <= self.bound


def at_least(bound: float, template: str = RATIO) -> Goal:
    """Ask for a value of `bound` or more."""
    return Goal(bound, is_floor=True, template=template)


def at_most(bound: float, template: str = RATIO) -> Goal:
    """Ask for a value of `bound` or less."""
    return Goal(bound, is_floor=False, template=template)


def told(template: str = RATIO) -> Goal:
    """Ask for nothing: the value is worth knowing."""
    return Goal(None, is_floor=True, template=template)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    goal: Goal


@dataclass(frozen=True, slots=True)
class Reading:
    """What one round showed for one row. beside: further numbers, by the template that writes each."""

    value: float
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """How large this run is. folder: lasts as long as the run; what is dear to make is made there once."""

    folder: Path
    events: int
    stored: int


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One thing to measure: each round gives a reading for each row, in their order."""

    name: str
    rows: tuple[Row, ...]
    measure: Callable[[Setting], Awaitable[Sequence[Reading]]]
    seconds_max: float = STEP_S_MAX


@dataclass(slots=True)
class Outcome:
    """What all rounds of one benchmark showed. faults: why a round showed nothing."""

    rounds: list[Sequence[Reading]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_impossible: bool = False
