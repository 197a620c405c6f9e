"""A slow disk on a fast machine: each fsync is held up by the library of `tests.preloaded`."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.benchmark import NotMeasured
from tests.preloaded import NotBuilt, Panel

PROBE_S_MAX = 30.0
PROBE = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
connection.execute("CREATE TABLE probe (id INTEGER)")
began_s = time.perf_counter()
connection.execute("INSERT INTO probe VALUES (1)")
print((time.perf_counter() - began_s) * 1_000_000)
"""


def slowed(folder: Path, microseconds: int) -> Mapping[str, str]:
    """Return the environment in which each fsync takes so much longer. folder: where the library is kept.

    Errors: NotMeasured, where none can be built, or where it slows nothing.
    """
    try:
        panel = Panel(folder)
    except NotBuilt as fault:
        raise NotMeasured(str(fault)) from fault
    panel.set(sync_us=microseconds)
    _require_effect(folder / "slow_fsync.db", panel.environment, microseconds)
    return panel.environment


def _require_effect(database: Path, environment: Mapping[str, str], microseconds: int) -> None:
    """Insist that a commit of this Python's SQLite is slowed: a preload may be ignored without a word."""
    database.unlink(missing_ok=True)
    done = subprocess.run(
        (sys.executable, "-c", PROBE, str(database)),
        capture_output=True,
        timeout=PROBE_S_MAX,
        check=True,
        env={**os.environ, **environment},
    )
    if float(done.stdout) < microseconds:
        raise NotMeasured("the preloaded library does not slow SQLite's commits here")
