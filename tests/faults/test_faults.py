"""Whatever goes wrong, nothing that was acknowledged is lost: the short form of `python -m tests.faults`."""

from collections.abc import Mapping

import pytest
import uvloop

from tests.faults.catalogue import faults
from tests.faults.fault import POSTGRES, SHORT, SQLITE, Run
from tests.faults.together import run_all, tasks

SEED = 20261121
SIDE_BY_SIDE = 8  # most of their time they wait: for locks, leases and targets
TASKS = tasks(list(faults().values()), (SQLITE, POSTGRES), SHORT, None, SEED)


@pytest.fixture(scope="module")
def runs() -> Mapping[tuple[str, str], Run]:
    """All of them, by fault and engine, side by side."""
    return {(run.fault, run.engine): run for run in uvloop.run(run_all(TASKS, SIDE_BY_SIDE))}


@pytest.mark.parametrize(("fault", "engine"), [(task.fault.name, task.engine) for task in TASKS])
def test_nothing_is_lost_and_everything_holds(runs: Mapping[tuple[str, str], Run], fault: str, engine: str) -> None:
    """Promises 1 to 5: see `invariants.py` for what is looked at, and docs/reliability.md for the long form."""
    run = runs[fault, engine]

    assert [] == run.breaches
    assert 0 == run.lost
    assert run.acknowledged > 100
    assert run.delivered + run.dead > run.acknowledged  # some go to several targets
