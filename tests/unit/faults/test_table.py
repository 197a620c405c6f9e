"""The table of what was run counts what ended, and names what did not hold."""

from dataclasses import replace
from pathlib import Path

from tests.faults import record, report
from tests.faults.catalogue import faults
from tests.faults.fault import POSTGRES, SQLITE, Run

COUNTED = (1000, 1150, 10, 0, 3)
RUN = Run("sigkill", SQLITE, "2026-11-21", "abc", 7, 10, *COUNTED, [0.5, 2.5], [0.2], {"kills": 12}, load=1.5)


def rows(*runs: Run) -> list[list[str]]:
    lines = report.table(runs, faults()).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_runs_of_the_same_fault_and_engine_are_one_row() -> None:
    """And the last row is the sum of all."""
    other = replace(RUN, engine=POSTGRES, counts={}, ready_s=[4.0])

    assert [
        [faults()["sigkill"].words, POSTGRES, "1", "10", "1,000", "1,150", "10", "0", "3", "4.0 s, at most 4.0"],
        [faults()["sigkill"].words, SQLITE, "2", "24", "2,000", "2,300", "20", "0", "6", "2.5 s, at most 2.5"],
        ["**all**", "", "3", "34", "3,000", "3,450", "30", "0", "9", "2.5 s, at most 4.0"],
    ] == [row[:-1] for row in rows(RUN, RUN, other)]


def test_how_soon_it_was_ready_is_told_of_a_machine_that_had_little_else_to_do() -> None:
    """What was acknowledged and lost counts wherever it was run; of the first runs the load is not known."""
    busy, unknown = replace(RUN, ready_s=[90.0], load=12.0), replace(RUN, ready_s=[80.0], load=None)

    assert ["3", "36", "3,000", "2.5 s, at most 2.5"] == [
        rows(RUN, busy, unknown)[-1][column] for column in (2, 3, 4, 9)
    ]
    assert "–" == rows(busy)[-1][9]


def test_a_run_that_did_not_come_to_its_end_is_in_no_row() -> None:
    """Of what it did not see arrive, nobody can say that it was lost."""
    cut_off = replace(RUN, lost=900, is_over=False, breaches=["TimeoutError"])

    assert ["1", "12", "1,000"] == rows(RUN, cut_off)[-1][2:5]
    assert "sigkill on sqlite, seed 7: TimeoutError" == report.breaches([cut_off])


def test_how_far_it_was_tried_is_said_in_a_sentence() -> None:
    """And what did not come to its end stands below, with its reason."""
    cut_off = replace(RUN, lost=900, is_over=False, breaches=["TimeoutError"])

    assert "2 runs with 24 times `kill -9`: 2,000 events acknowledged, 0 deliveries lost." == report.summary(
        [RUN, RUN, cut_off]
    )
    assert "- sigkill on sqlite, seed 7: TimeoutError" == report.unfinished([RUN, cut_off]).splitlines()[-1]
    assert "" == report.unfinished([RUN])


def test_what_was_lost_is_told_with_what_repeats_it() -> None:
    """The seed says when the kills came."""
    assert "sigkill on sqlite, seed 7: 2 LOST" == report.breaches([replace(RUN, lost=2)])
    assert not replace(RUN, lost=2).is_good
    assert not replace(RUN, breaches=["half"]).is_good
    assert RUN.is_good


def test_what_is_written_down_is_read_again(tmp_path: Path) -> None:
    """Runs that end at the same time stand one below the other."""
    record.add(RUN, tmp_path / "runs")
    record.add(replace(RUN, seed=8), tmp_path / "runs")

    assert [RUN, replace(RUN, seed=8)] == record.runs(tmp_path / "runs")
    assert [] == record.runs(tmp_path / "none")


def test_every_fault_is_found_by_its_file() -> None:
    """A new file in `kinds` is a new row, and no name stands for two."""
    assert {"sigkill", "torn-log", "disk-full", "frozen", "postgres-failed-over"} <= faults().keys()
    assert len({fault.words for fault in faults().values()}) == len(faults())
