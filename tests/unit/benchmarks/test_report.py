"""The table of the benchmarks says what was measured, what was not, and why; a page keeps the last one."""

from pathlib import Path

import pytest

from tests.benchmarks.benchmark import Benchmark, Outcome, Reading, Row, Setting, at_least, at_most, told
from tests.benchmarks.report import BEGIN, END, replaced, require_page, table

ROOT = Path(__file__).parents[3]


async def nothing(_: Setting) -> list[Reading]:
    return []


SPEED = Benchmark("speed", (Row("ours ÷ theirs", at_least(0.5)),), nothing)
START = Benchmark("start", (Row("start", at_most(5, "{:.1f} s")), Row("memory", at_most(200, "{:.0f} MB"))), nothing)


def cells(outcome: Outcome, benchmark: Benchmark = SPEED) -> list[list[str]]:
    """Return each row of a table, by its cells."""
    _, _, *lines = table({benchmark.name: outcome}, [benchmark]).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_row_tells_the_median_and_whether_the_goal_is_met() -> None:
    """One slow round of three says nothing; what stands beside it are medians, too."""
    rounds = [[Reading(value, {"{:,.0f}/s": 10_000 * value})] for value in (0.51, 0.2, 0.9)]

    assert [["ours ÷ theirs", "0.510", "≥ 0.500", "yes", "5,100/s"]] == cells(Outcome([*rounds]))


def test_what_a_round_alone_told_stands_beside_too() -> None:
    """Each round names the page that was the slowest in it."""
    rounds = [[Reading(0.6, {"/events {:.0f} ms": 60})], [Reading(0.6, {"/targets {:.0f} ms": 70})]]

    assert "/events 60 ms, /targets 70 ms" == cells(Outcome([*rounds]))[0][4]


def test_what_has_no_goal_is_told_and_not_judged() -> None:
    """Some ratios depend on how many processors there are; a round that failed is told all the same."""
    known = Benchmark("known", (Row("two ÷ one", told()),), nothing)

    assert [["two ÷ one", "0.900", "–", "–", ""]] == cells(Outcome([[Reading(0.9)]]), known)
    assert "NO" == cells(Outcome([[Reading(0.9)]], ["it broke"]), known)[0][3]


@pytest.mark.parametrize(("value", "met"), [(0.5, "yes"), (0.4999, "NO")])
def test_a_floor_is_met_from_its_bound_on(value: float, met: str) -> None:
    """Unrounded: what prints as 0.500 may still be below it."""
    assert met == cells(Outcome([[Reading(value)]]))[0][3]


@pytest.mark.parametrize(("value", "met"), [(5.0, "yes"), (5.001, "NO")])
def test_a_ceiling_is_met_down_from_its_bound(value: float, met: str) -> None:
    """Some things are better when they are small."""
    assert met == cells(Outcome([[Reading(value), Reading(100)]]), START)[0][3]


def test_each_reading_of_a_benchmark_has_its_row() -> None:
    """What is measured at once is told apart."""
    rows = cells(Outcome([[Reading(1.25), Reading(250)]]), START)

    assert [["start", "1.2 s", "≤ 5.0 s", "yes", ""], ["memory", "250 MB", "≤ 200 MB", "NO", ""]] == rows


def test_what_was_not_measured_says_why_in_each_of_its_rows() -> None:
    """Nothing is skipped in silence, and no fault's text breaks the table."""
    rows = cells(Outcome(faults=["no C compiler | or\nlinker"]), START)

    assert ["start", "not measured", "≤ 5.0 s", "–", "not measured: no C compiler / or linker"] == rows[0]
    assert "not measured" == rows[1][1]


def test_a_goal_is_not_met_where_a_round_failed() -> None:
    """A relay that fell over once is not fast."""
    row = cells(Outcome([[Reading(0.9)]], faults=["RuntimeError a server ended by itself"]))[0]

    assert "NO" == row[3]
    assert "FAILED in 1 of 2 rounds: RuntimeError a server ended by itself" == row[4]


def test_a_page_keeps_all_but_the_last_table() -> None:
    """What stands around the marks was written by hand."""
    page = f"# Performance\n\n{BEGIN}\nold\n{END}\n\nMore.\n"

    assert f"# Performance\n\n{BEGIN}\nnew\n{END}\n\nMore.\n" == replaced(page, "new")
    assert replaced(page, "new") == replaced(replaced(page, "newer"), "new")


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_a_page_without_its_marks_is_refused(text: str, tmp_path: Path) -> None:
    """Better before a quarter of an hour of measuring than after it."""
    page = tmp_path / "performance.md"
    page.write_text(text)

    with pytest.raises(ValueError, match=r"performance\.md: expected"):
        require_page(page)


def test_our_page_has_its_marks() -> None:
    """`--write docs/performance.md` works in a clean clone."""
    require_page(ROOT / "docs" / "performance.md")
