"""What was measured, as one table; and the page that keeps it."""

import os
import platform
import shlex
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from tests.benchmarks.benchmark import Benchmark, Goal, Outcome, Reading, Row

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEADS = ("what", "value", "goal", "met?", "beside it")
SYNCS = 50


def table(outcomes: Mapping[str, Outcome], benchmarks: Sequence[Benchmark]) -> str:
    """Draw the table, in Markdown that is also easy to read as it is. outcomes: by the benchmark's name."""
    lines: list[tuple[str, ...]] = [HEADS]
    for benchmark in benchmarks:
        outcome = outcomes[benchmark.name]
        for number, row in enumerate(benchmark.rows):
            lines.append(_cells(row, [readings[number] for readings in outcome.rounds], outcome.faults))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(cells, widths) for cells in (HEADS, rule, *lines[1:]))


def _cells(row: Row, readings: Sequence[Reading], faults: Sequence[str]) -> tuple[str, ...]:
    """Write one row: the medians of its rounds. One that failed in a round is not met, whatever the others showed."""
    goal = _goal(row.goal)
    if not readings:
        return row.what, "not measured", goal, "–", _plain(f"not measured: {faults[0] if faults else 'no round ended'}")
    value = statistics.median(reading.value for reading in readings)
    is_met = row.goal.is_met_by(value) and not faults
    verdict = "–" if row.goal.bound is None and is_met else "yes" if is_met else "NO"
    beside = ", ".join([*_beside(readings), *_failed(faults, len(readings))])
    return row.what, row.goal.template.format(value), goal, verdict, beside


def _goal(goal: Goal) -> str:
    if goal.bound is None:
        return "–"
    return f"{'≥' if goal.is_floor else '≤'} {goal.template.format(goal.bound)}"


def _beside(readings: Sequence[Reading]) -> list[str]:
    """Write what stands beside; what not every round told, as which page was the slowest, is of those that did."""
    told: dict[str, list[float]] = {}
    for reading in readings:
        for template, value in reading.beside.items():
            told.setdefault(template, []).append(value)
    return [template.format(statistics.median(values)) for template, values in told.items()]


def _failed(faults: Sequence[str], well: int) -> list[str]:
    return [_plain(f"FAILED in {len(faults)} of {len(faults) + well} rounds: {faults[0]}")] if faults else []


def _plain(text: str) -> str:
    """Keep a text from breaking the table."""
    return " ".join(text.split()).replace("|", "/")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def circumstances(arguments: Sequence[str], size: str, folder: Path, day: date) -> str:
    """Tell when, by which command and on what it was measured. size: of the run, in words."""
    command = shlex.join(["python", "-m", "tests.benchmarks", *arguments])
    disk = f"a disk that makes 4 KB durable in {_sync_ms(folder):.2f} ms"
    return f"{day.isoformat()}, by `{command}`: {size}.\n\nMachine: {machine()}, {disk}."


def machine() -> str:
    """Describe this machine, without its name."""
    used = len(os.sched_getaffinity(0))
    return (
        f"{_cpu_model()}, {used} of {os.cpu_count()} processors used, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _cpu_model() -> str:
    """Return the processor's name, or its family where the system does not tell."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _sync_ms(folder: Path) -> float:
    """Measure how long the disk needs to make 4 KB durable: every durable figure hangs on it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return statistics.median(_one_sync_ms(file.fileno()) for _ in range(SYNCS))


def _one_sync_ms(descriptor: int) -> float:
    os.write(descriptor, bytes(4096))
    began_s = time.perf_counter()
    os.fdatasync(descriptor)
    return (time.perf_counter() - began_s) * 1000


def require_page(page: Path) -> None:
    """Insist that a page has room for a table, before it is measured. Errors: ValueError."""
    text = page.read_text() if page.is_file() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{page}: expected a page with one line {BEGIN} and, below it, one line {END}")


def replaced(text: str, measured: str) -> str:
    """Put what was measured between a page's marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{measured}\n{END}{after}"
