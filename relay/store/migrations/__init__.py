"""Numbered steps from an empty database to today's schema: SQL files, run in order, each once.

    0003_search.sql         first line `-- runs with: 2`: programs that know step 2 run on as if nothing had happened
    0003_search.after.sql   what only step 3's own programs can live with: run once no older one is left

So two versions can share a database while one takes the other's place. A step without that first line ends the older
ones at once.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from relay.errors import StoreUnusable

RUNS_WITH = re.compile(r"-- runs with: (\d+)\n")
AFTER = ".after"


class Phase(StrEnum):
    """The half of a step."""

    BEFORE = "before"  # while older programs may still run
    AFTER = "after"  # once none does


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a schema. runs_with: the oldest program, by the last step it knows, that can use the result."""

    number: int
    name: str
    runs_with: int
    before: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A half of a step that is to be run."""

    step: Step
    phase: Phase

    @property
    def script(self) -> str:
        """Return its SQL."""
        return self.step.before if self.phase is Phase.BEFORE else self.step.after or ""

    @property
    def runs_with(self) -> int:
        """Return the oldest program that can use the database then."""
        return self.step.runs_with if self.phase is Phase.BEFORE else self.step.number

    @property
    def finishes(self) -> bool:
        """Tell whether nothing of the step is left then."""
        return self.phase is Phase.AFTER or self.step.after is None

    def __str__(self) -> str:
        return f"{self.step.name} ({self.phase.value})"


@dataclass(frozen=True, slots=True)
class Applied:
    """A step as a database has it."""

    number: int
    name: str
    runs_with: int
    is_finished: bool


def steps_of(engine: str) -> tuple[Step, ...]:
    """Return every step of an engine, in order."""
    texts = {
        file.name.removesuffix(".sql"): file.read_text()
        for file in resources.files(f"{__name__}.{engine}").iterdir()
        if file.name.endswith(".sql")
    }
    return tuple(
        _step(name, texts[name], texts.get(name + AFTER)) for name in sorted(texts) if not name.endswith(AFTER)
    )


def _step(name: str, before: str, after: str | None) -> Step:
    number = int(name[:4])
    match = RUNS_WITH.match(before)
    return Step(number, name, int(match[1]) if match else number, before, after)


def due(
    steps: Sequence[Step], applied: Sequence[Applied], is_older_alive: Callable[[int], str | None]
) -> tuple[Change, ...]:
    """List what is to be run, in order.

    is_older_alive: names a program that runs and does not know a step. Errors: StoreUnusable, where the database is
    of a newer program, or one that is too old still uses it.
    """
    _refuse_newer(steps, applied)
    return tuple(_due(steps, {each.number: each for each in applied}, is_older_alive))


@dataclass(frozen=True, slots=True)
class Half:
    """A half of a step, and how a database stands to it. waits_for: names an older program that keeps it waiting."""

    change: Change
    is_applied: bool
    waits_for: str | None = None


def halves(
    steps: Sequence[Step], applied: Sequence[Applied], is_older_alive: Callable[[int], str | None]
) -> tuple[Half, ...]:
    """List every half, in order. Errors: StoreUnusable, where the database is of a newer program."""
    _refuse_newer(steps, applied)
    return tuple(_halves(steps, {each.number: each for each in applied}, is_older_alive))


def _halves(
    steps: Sequence[Step], applied: Mapping[int, Applied], is_older_alive: Callable[[int], str | None]
) -> Iterator[Half]:
    for step in steps:
        found = applied.get(step.number)
        yield Half(Change(step, Phase.BEFORE), found is not None)
        if step.after is not None:
            is_applied = found is not None and found.is_finished
            yield Half(Change(step, Phase.AFTER), is_applied, None if is_applied else is_older_alive(step.number))


def require_current(
    steps: Sequence[Step], applied: Sequence[Applied], place: str, *, may_be_older: bool = False
) -> None:
    """Insist that a database has this program's schema, as one that is only read must. Errors: StoreUnusable."""
    _refuse_newer(steps, applied)
    found = {each.number for each in applied}
    missing = [step.name for step in steps if step.number not in found]
    if missing and not may_be_older:
        raise StoreUnusable(
            f"{place} is of an older version of the relay (its schema lacks step {missing[0]}): "
            "run `relay migrate-schema` on it first"
            if found
            else f"{place} is no database of the relay"
        )


def _refuse_newer(steps: Sequence[Step], applied: Sequence[Applied]) -> None:
    known = steps[-1].number if steps else 0
    newest = max(applied, key=lambda each: each.runs_with, default=None)
    if newest is not None and newest.runs_with > known:
        raise StoreUnusable(
            f"the database is of a newer version of the relay (its schema has step {newest.name}): "
            "run that version, or restore a backup from before the upgrade"
        )


def _due(
    steps: Sequence[Step], applied: Mapping[int, Applied], is_older_alive: Callable[[int], str | None]
) -> Iterator[Change]:
    for step in steps:
        found = applied.get(step.number)
        if found is None:
            yield Change(step, Phase.BEFORE)
        if step.after is None or (found is not None and found.is_finished):
            continue
        if (older := is_older_alive(step.number)) is None:
            yield Change(step, Phase.AFTER)
        elif step is not steps[-1]:
            raise StoreUnusable(f"an older version of the relay still uses the database ({older}): stop that one first")
