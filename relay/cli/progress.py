"""How far something is, on standard error: a bar on a terminal, now and then a line elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click

from relay.config.units import lasting
from relay.system_clock import SystemClock

LINE_EVERY_S = 5.0

Tell = Callable[[str, int, int | None], None]  # of what, how much is done, and how much there is where that is known


@contextmanager
def shown_progress() -> Iterator[Tell]:
    """Show how far each thing is that is told."""
    shown: Bars | Lines = Bars() if sys.stderr.isatty() else Lines(SystemClock().monotonic)
    try:
        yield shown.tell
    finally:
        shown.end()


class Bars:
    """A bar for each thing, with the time that is left."""

    def __init__(self) -> None:
        self._label: str | None = None
        self._bar: Any = None

    def tell(self, label: str, done: int, of: int | None) -> None:
        """Move the bar; where the end is not known, it stays ahead of what is done."""
        length = max(done * 2, 1) if of is None else of
        if label != self._label:
            self.end()
            self._label = label
            self._bar = click.progressbar(length=length, label=f"{label:10}", show_pos=True, file=sys.stderr)
            self._bar.__enter__()
        self._bar.length = length
        self._bar.update(done - self._bar.pos)

    def end(self) -> None:
        """Leave the last bar as it is."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)


class Lines:
    """A line when a thing begins, and every few seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._label: str | None = None
        self._began_s = self._told_s = 0.0

    def tell(self, label: str, done: int, of: int | None) -> None:
        """Write a line, unless one was written just now."""
        now_s = self._monotonic()
        if label != self._label:
            self._label, self._began_s = label, now_s
        elif now_s - self._told_s < LINE_EVERY_S:
            return
        self._told_s = now_s
        click.echo(f"{label}: {done:,}{'' if of is None else f' of {of:,}'}{self._left(done, of)}", err=True)

    def end(self) -> None:
        """Leave nothing to be closed."""

    def _left(self, done: int, of: int | None) -> str:
        if not done or of is None:
            return ""
        left_s = (self._told_s - self._began_s) / done * (of - done)
        return f", about {lasting(timedelta(seconds=left_s))} left"
