"""What strangers wrote, and columns: shown by a terminal, and never obeyed by it."""

import json

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from relay.cli import main
from relay.cli.tables import table
from relay.cli.texts import echo_json, plain, plain_body


@given(st.text())
def test_any_text_is_visible_and_on_one_line(text: str) -> None:
    """Colours, titles, cursors, right-to-left marks and line ends of a stranger's do nothing."""
    assert plain(text).isprintable()


@given(st.binary())
def test_any_body_is_lines_of_visible_text(body: bytes) -> None:
    """Whatever its bytes are."""
    assert all(line.isprintable() for line in plain_body(body).split("\n"))


@given(st.text().filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text)))
def test_json_is_visible_and_says_the_same(text: str) -> None:
    """A program reads what a person may look at."""
    printed = CliRunner().invoke(_echo(text)).stdout

    assert printed.removesuffix("\n").isprintable()
    assert {"text": text} == json.loads(printed)


def _echo(text: str) -> click.Command:
    return click.Command("echo", callback=lambda: echo_json({"text": text}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("short", "short"), ("exactly ten", "exactly t…"), ("\x1b[31m", r"\x1b[31m"), ("\u202e", r"\u202e")],
)
def test_what_is_long_is_cut_and_what_is_odd_is_escaped(text: str, shown: str) -> None:
    """In that order: an escape is never cut apart."""
    assert shown == plain(text, 10)


def test_columns_stay_straight_whatever_stands_in_them() -> None:
    """A wide character takes two columns; a state has its colour only where states stand."""
    lines = table(("name", "status", "text"), [("請求書", "dead", "dead"), ("a\x1b[2J", "pending", "")]).splitlines()

    assert ["NAME      STATUS   TEXT", "請求書    dead     dead", r"a\x1b[2J  pending"] == [
        click.unstyle(line) for line in lines
    ]
    assert [0, 1, 1] == [line.count("\x1b[0m") for line in lines]


@pytest.mark.parametrize(("no_color", "is_coloured"), [("", None), ("1", False)])
def test_colours_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, no_color: str, is_coloured: bool | None) -> None:
    """By NO_COLOR, as in other programs. Source: no-color.org."""
    monkeypatch.setenv("NO_COLOR", no_color)
    with main.make_context("relay", ["presets"]) as context:
        assert main.callback is not None
        context.invoke(main.callback)
        assert is_coloured is context.color
