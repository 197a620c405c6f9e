"""How many connections there may be, where the system allows few open files."""

import resource
import subprocess
import sys

import pytest

from tests.patience import WAIT_S_MAX

SAY = """
from relay.descriptors import affordable
from relay.domain import Bounds
import resource
print(affordable(Bounds()).connections_max, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "allowed"),
    [(1024, 6000, 4096, 4096 + 512), (300, 2000, 2000 - 512, 2000), (300, 600, 300, 600)],
    ids=["enough, asked for", "fewer", "hardly any"],
)
def test_no_more_connections_than_open_files(soft: int, hard: int, connections: int, allowed: int) -> None:
    """As many as are allowed are asked for; what is left of them is for the database and the deliveries."""
    told = subprocess.run(
        [sys.executable, "-c", SAY],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        timeout=WAIT_S_MAX,
        check=True,
    )

    assert [str(connections), str(allowed)] == told.stdout.splitlines()[-1].split()
    assert ("fewer_connections" in told.stdout) == (connections < 4096)
