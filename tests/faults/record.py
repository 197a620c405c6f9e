"""The record of all runs, one a line: what the table of docs/reliability.md is made of."""

import fcntl
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.faults.fault import Run

RECORD = Path(__file__).with_name("runs.jsonl")
HOME = Path(__file__).parents[2]


def add(run: Run, path: Path) -> None:
    """Write a run down. Several programs may do so at once."""
    with path.open("a") as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        record.write(json.dumps(run.kept()) + "\n")


def runs(path: Path) -> Sequence[Run]:
    """Read what was written down."""
    return [Run(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def commit() -> str:
    """Return what of the program was run, by its short name; a `+` where files differ from it."""
    asked = subprocess.run(
        ("git", "describe", "--always", "--abbrev=9", "--exclude=*", "--dirty=+"),
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"
