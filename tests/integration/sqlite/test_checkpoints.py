"""Checkpoints beside the commits: they end when they are told to, at whatever moment that is."""

import sqlite3
from pathlib import Path
from threading import Event

from relay.store.sqlite.checkpoints import Checkpoints
from relay.store.sqlite.connection import connect
from tests.patience import WAIT_S_MAX


class ToldJustAfter(Event):
    """An event that is set as soon as somebody has waited for it in vain, as if that were a moment later."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        super().__init__()
        self._checkpoints = checkpoints

    def wait(self, timeout: float | None = None) -> bool:
        was_told = super().wait(timeout)
        self.set()
        self._checkpoints.expect()
        return was_told


def test_an_end_that_is_told_between_two_looks_is_not_missed(tmp_path: Path) -> None:
    """Else the writer of a relay that was killed waits for ever, with the database open: seen once in 300 kills."""

    def opened() -> sqlite3.Connection:
        return connect(tmp_path / "relay.db", 1.0)

    checkpoints = Checkpoints(opened)
    checkpoints._is_over = ToldJustAfter(checkpoints)
    checkpoints.expect()
    checkpoints._thread.join(WAIT_S_MAX)

    assert not checkpoints._thread.is_alive()
