"""Text in columns."""

from collections.abc import Sequence
from unicodedata import east_asian_width

import click

from relay.cli.texts import plain

_COLOURED = frozenset({"status", "state", "outcome"})  # columns
_COLOURS = {
    "delivered": "green",
    "accepted": "green",
    "operating": "green",
    "done": "green",
    "pending": "yellow",
    "sending": "yellow",
    "running": "yellow",
    "probing": "yellow",
    "paused": "yellow",
    "dead": "red",
    "broken": "red",
}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under a header, each column as wide as its widest cell; states in colour, for a terminal.

    Whatever stands in a cell, it stays on its line and does nothing to the terminal.
    """
    lines = [[title.upper() for title in header], *([plain(cell) for cell in row] for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    laid_out = [_laid_out(lines[0], widths), *(_laid_out(_painted(header, line), widths) for line in lines[1:])]
    return "\n".join(laid_out)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    shown = click.unstyle(text)
    return len(shown) if shown.isascii() else sum(2 if east_asian_width(each) in "WF" else 1 for each in shown)


def coloured(word: str) -> str:
    """Return a state in its colour."""
    return click.style(word, fg=_COLOURS[word]) if word in _COLOURS else word


def _painted(header: Sequence[str], line: Sequence[str]) -> list[str]:
    return [coloured(cell) if title in _COLOURED else cell for title, cell in zip(header, line, strict=True)]


def _laid_out(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)).rstrip()
