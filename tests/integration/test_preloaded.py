"""The machine that misbehaves does so: on a real program, at once, and only as long as it is told to."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import WAIT_S_MAX
from tests.preloaded import Panel

COMMIT = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
began_s = time.perf_counter()
connection.execute("CREATE TABLE IF NOT EXISTS probe (id INTEGER)")
connection.execute("INSERT INTO probe VALUES (1)")
print(time.perf_counter() - began_s)
"""


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return Panel(tmp_path)


def run(panel: Panel, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-c", program, *map(str, arguments))
    environment = {**os.environ, **panel.environment}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=WAIT_S_MAX, check=False)


def test_the_clock_of_the_day_is_as_far_ahead_as_is_told(panel: Panel) -> None:
    """And the one that only counts is not."""
    told = "import time; print(time.time() - time.monotonic())"
    right = float(run(panel, told).stdout)
    panel.set(clock_s=3600)

    assert 3600 == pytest.approx(float(run(panel, told).stdout) - right, abs=1)


def test_a_machine_that_slept_has_grown_older(panel: Panel) -> None:
    """Its leases have run out meanwhile: the clock that tells so must not have stood still."""
    told = "import time, relay.system_clock as ours; print(ours.SystemClock().monotonic() - time.monotonic())"
    before = float(run(panel, told).stdout)
    panel.set(slept_s=100)

    assert 100 == pytest.approx(float(run(panel, told).stdout) - before, abs=1)


def test_every_commit_waits_for_a_slow_disk(panel: Panel, tmp_path: Path) -> None:
    """Both statements are committed, each by an fsync of its own."""
    panel.set(sync_us=50_000)

    assert float(run(panel, COMMIT, tmp_path / "relay.db").stdout) >= 0.1


@pytest.mark.parametrize("wrong", [{"sync_errno": errno.EIO}, {"write_errno": errno.EROFS}])
def test_a_commit_fails_while_the_disk_does(panel: Panel, tmp_path: Path, wrong: dict[str, int]) -> None:
    """And works once it works again. What is no database file is written all the same."""
    assert 0 == run(panel, COMMIT, tmp_path / "relay.db").returncode
    panel.set(**wrong)
    assert "sqlite3.OperationalError" in run(panel, COMMIT, tmp_path / "relay.db").stderr
    assert 0 == run(panel, "open('/dev/null', 'w').write('x')").returncode
    panel.set(**dict.fromkeys(wrong, 0))

    assert 0 == run(panel, COMMIT, tmp_path / "relay.db").returncode
