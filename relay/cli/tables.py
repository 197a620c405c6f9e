"""Text in columns."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from unicodedata import east_asian_width

import click

from relay.cli.texts import plain, terminal_width

GAP, INDENT = "  ", "    "
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

    Whatever stands in a cell, it stays on its line and does nothing to the terminal. Columns for which a terminal is
    not wide enough stand below the others, indented.
    """
    lines = [[title.upper() for title in header], *([plain(cell) for cell in row] for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    folds = _folds(widths, terminal_width())
    painted = [lines[0], *(_painted(header, line) for line in lines[1:])]
    return "\n".join(laid_out for line in painted for laid_out in _folded(line, widths, folds))


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    shown = click.unstyle(text)
    return len(shown) if shown.isascii() else sum(2 if east_asian_width(each) in "WF" else 1 for each in shown)


def coloured(word: str) -> str:
    """Return a state in its colour."""
    return click.style(word, fg=_COLOURS[word]) if word in _COLOURS else word


def _painted(header: Sequence[str], line: Sequence[str]) -> list[str]:
    return [coloured(cell) if title in _COLOURED else cell for title, cell in zip(header, line, strict=True)]


def _folds(widths: Sequence[int], wide: int | None) -> list[slice]:
    """Say which columns stand in one line, so that none but a single one is wider than the terminal."""
    starts, used = [0], 0
    for column, needed in enumerate(widths):
        if wide is not None and column > starts[-1] and used + needed > wide:
            starts.append(column)
            used = len(INDENT)
        used += needed + len(GAP)
    return [slice(start, end) for start, end in pairwise([*starts, len(widths)])]


def _folded(line: Sequence[str], widths: Sequence[int], folds: Sequence[slice]) -> Iterator[str]:
    first, *others = folds
    yield _laid_out(line[first], widths[first])
    for fold in others:
        if any(line[fold]):
            yield INDENT + _laid_out(line[fold], widths[fold])


def _laid_out(line: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)).rstrip()
