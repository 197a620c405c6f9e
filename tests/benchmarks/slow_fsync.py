"""A slow disk on a fast machine: a library that is preloaded and sleeps before each fsync, compiled where needed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.benchmark import NotMeasured

SOURCE = Path(__file__).with_suffix(".c")
COMPILERS = ("cc", "gcc", "clang")
COMPILE_S_MAX = 60.0
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


def slowed(folder: Path, microseconds: int) -> dict[str, str]:
    """Return the environment in which each fsync takes so much longer. folder: where the library is kept.

    Errors: NotMeasured, where none can be built, or where it slows nothing.
    """
    library = folder / "slow_fsync.so"
    if not library.exists():
        build(library)
    environment = {"LD_PRELOAD": str(library), "SLOW_FSYNC_US": str(microseconds)}
    _require_effect(folder / "slow_fsync.db", environment, microseconds)
    return environment


def build(library: Path) -> None:
    """Compile the library. Errors: NotMeasured."""
    compiler = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    if compiler is None:
        raise NotMeasured("no C compiler (apt-get install gcc)")
    command = (compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl")
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S_MAX, check=False)
    if done.returncode:
        raise NotMeasured(f"the C compiler failed: {done.stderr.strip().splitlines()[-1]}")


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
