"""The table of what was run: a line for each fault and engine, over all runs that were written down."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from tests.faults.fault import Fault, Run

TOTALS = ("acknowledged", "delivered", "dead", "lost", "doubled")
LOAD_MAX = 4.0  # two runs side by side, and what they start
HEADS = ("fault", "engine", "runs", "times", *TOTALS, "ready in", "of CPU")


def table(runs: Iterable[Run], faults: Mapping[str, Fault]) -> str:
    """Draw the table, in Markdown that is also easy to read as it is; the last line counts all of it.

    A run that did not come to its end shows nothing, and is not in it.
    """
    order = list(faults)
    over = (run for run in runs if run.fault in faults and run.is_over)
    known = sorted(over, key=lambda run: (order.index(run.fault), run.engine))
    lines = [HEADS, ("---",) * 2 + ("---:",) * (len(HEADS) - 2)]
    for (name, engine), group in groupby(known, key=lambda run: (run.fault, run.engine)):
        lines.append((faults[name].words, engine, *_sums(list(group))))
    lines.append(("**all**", "", *_sums(known)))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def summary(runs: Iterable[Run]) -> str:
    """Say in a sentence how far it was tried."""
    over = [run for run in runs if run.is_over]
    kills = sum(run.counts.get("kills", 0) for run in over)
    acknowledged, lost = sum(run.acknowledged for run in over), sum(run.lost for run in over)
    tried = f"{len(over)} runs with {kills:,} times `kill -9`"
    return f"{tried}: {acknowledged:,} events acknowledged, {lost:,} deliveries lost."


def unfinished(runs: Iterable[Run]) -> str:
    """List the runs that did not come to their end, and why; nothing, where all did."""
    told = breaches(run for run in runs if not run.is_over).splitlines()
    if not told:
        return ""
    return "\n".join(["Runs that did not come to their end, and are in no row:", "", *(f"- {line}" for line in told)])


def _sums(runs: Sequence[Run]) -> tuple[str, ...]:
    times = sum(run.counts.get("kills", run.rounds) for run in runs)
    sums = [sum(getattr(run, what) for run in runs) for what in TOTALS]
    ready = [second for run in runs if _was_idle(run) for second in run.ready_s]
    of_cpu = [second for run in runs for second in run.ready_cpu_s]
    return (str(len(runs)), f"{times:,}", *(f"{total:,}" for total in sums), _middle(ready), _middle(of_cpu))


def _was_idle(run: Run) -> bool:
    """Tell whether the machine had little else to do: else the time until it was ready is that of the others, too."""
    return run.load is not None and run.load <= LOAD_MAX


def _middle(seconds: Iterable[float]) -> str:
    """Tell the middle one and the longest."""
    ordered = sorted(seconds)
    return f"{ordered[len(ordered) // 2]:.1f} s, at most {ordered[-1]:.1f}" if ordered else "–"


def breaches(runs: Iterable[Run]) -> str:
    """List what did not hold, and how to see it again."""
    return "\n".join(
        f"{run.fault} on {run.engine}, seed {run.seed}: {breach}"
        for run in runs
        for breach in [*run.breaches, *([f"{run.lost} LOST"] if run.lost and run.is_over else [])]
    )
