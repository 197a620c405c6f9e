"""A driver is there for whoever configures its kind, and for nobody else."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from relay.config.models.targets import KINDS
from tests.patience import WAIT_S_MAX

EXTRAS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
WITH_DRIVERS = [name for name, kind in KINDS.items() if kind.driver is not None]


@pytest.mark.parametrize("kind", WITH_DRIVERS)
def test_a_driver_is_an_extra_of_its_kinds_name(kind: str) -> None:
    """`relay check` says so where it is missing."""
    assert kind in EXTRAS


def test_no_driver_is_imported_by_who_has_no_such_target() -> None:
    """A relay that only posts starts as fast, and is as small, as before there were others."""
    drivers = [str(KINDS[name].driver) for name in WITH_DRIVERS]

    assert "[]" == imported_with("relay.cli.serve, relay.targets.http", drivers)


def test_the_writer_of_a_database_file_has_no_event_loop() -> None:
    """Nothing in it waits for two things at once; importing one was half of its start, and of its memory."""
    assert "[]" == imported_with("relay.store.sqlite.writing", ["asyncio", "ssl", "logging"])


def test_the_writer_of_a_database_file_knows_rows_and_no_nouns() -> None:
    """It is sent what stands in columns; to read all that a relay can be told of was half of its start."""
    assert "[]" == imported_with("relay.store.sqlite.writing", ["relay.domain", "dataclasses"])


def imported_with(modules: str, others: list[str]) -> str:
    """Return which of the others are imported with these, by a process of its own."""
    script = f"import sys, {modules}; print([it for it in {others} if it in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=WAIT_S_MAX, check=True
    )
    return done.stdout.strip()
