"""What stands on a terminal of 80 columns: whole words, whole commands, and every column of a table."""

import pytest

from relay.cli.tables import table
from relay.cli.texts import wrapped

COMMAND = "`relay replay evt_0198c2aa0198c2aa0198c2aa0198c2aa --target erp`"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write to a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)


HEADER = ("received (utc)", "id", "source", "type", "status", "held")
ROWS = [
    ("2026-07-01 12:00:00", "evt_0198c2aa0198c2aa0198c2aa0198c2aa", "shop", "order.paid", "dead", ""),
    ("2026-07-01 12:00:00", "evt_0198c2aa0198c2aa0198c2aa0198c2ab", "bank", "", "", "since yesterday"),
]


@pytest.mark.usefixtures("terminal")
def test_columns_for_which_there_is_no_room_stand_below() -> None:
    """No line is torn by the terminal in the midst of a word, and a row without them takes one line."""
    shown = table(HEADER, [*ROWS, ("2026-07-01 12:00:00", "evt_1", "shop", "", "", "")])

    assert [
        "RECEIVED (UTC)       ID                                    SOURCE  TYPE",
        "    STATUS  HELD",
        "2026-07-01 12:00:00  evt_0198c2aa0198c2aa0198c2aa0198c2aa  shop    order.paid",
        "    \x1b[31mdead\x1b[0m",
        "2026-07-01 12:00:00  evt_0198c2aa0198c2aa0198c2aa0198c2ab  bank",
        "            since yesterday",
        "2026-07-01 12:00:00  evt_1                                 shop",
    ] == shown.splitlines()


def test_a_pipe_gets_each_row_on_one_line() -> None:
    """`relay events | grep dead` finds the row, and not a piece of it."""
    assert 3 == len(table(HEADER, ROWS).splitlines())
    assert COMMAND * 9 == wrapped(COMMAND * 9)


@pytest.mark.usefixtures("terminal")
def test_a_long_line_is_broken_between_words_and_never_in_a_command() -> None:
    """A command is copied from the terminal as it is."""
    shown = wrapped(f"nothing is tried by itself: mend the cause, then {COMMAND}, and look again", 10)

    assert [
        "nothing is tried by itself: mend the cause, then",
        f"          {COMMAND}, and",
        "          look again",
    ] == shown.splitlines()
