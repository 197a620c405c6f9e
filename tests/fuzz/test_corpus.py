"""Every input that is kept is played, and a bounded number of new ones is made of them by coverage."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fuzz.__main__ import command
from tests.fuzz.harness import CORPUS, corpus_of, find, names
from tests.patience import WAIT_S_MAX

SEED = 7
FILES_MAX, BYTES_MAX = 300, 500_000

every_harness = pytest.mark.parametrize("name", names())


@every_harness
def test_every_input_that_is_kept_ends_as_expected(name: str) -> None:
    """What has broken something once stands in the corpus, and breaks nothing any more."""
    harness = find(name)
    kept = [path.read_bytes() for path in sorted(corpus_of(name).iterdir())]

    for data in (*kept, *harness.seeds()):  # of a preset that is new nothing is kept yet
        harness.check(data)


@every_harness
def test_new_inputs_are_looked_for_by_coverage(name: str, tmp_path: Path) -> None:
    """The same ones each time: a run that fails once fails again. Nothing is left where temporary files are."""
    (temporary := tmp_path / "temporary").mkdir()
    looked = subprocess.run(
        command(name, tmp_path / "found", tmp_path, f"-runs={find(name).runs}", f"-seed={SEED}"),
        capture_output=True,
        check=False,
        timeout=5 * WAIT_S_MAX,
        env={**os.environ, "TMPDIR": str(temporary)},
    )

    assert 0 == looked.returncode, looked.stderr.decode(errors="replace")[-4000:]
    assert b"Done " in looked.stderr
    assert [] == [*temporary.iterdir()]


def test_the_corpus_stays_small() -> None:
    """It is read by every clone."""
    kept = [path for path in CORPUS.rglob("*") if path.is_file()]

    assert len(kept) <= FILES_MAX
    assert sum(path.stat().st_size for path in kept) <= BYTES_MAX
    assert set(names()) == {path.parent.name for path in kept}
