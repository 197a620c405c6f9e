"""The relay where its image puts it: as a user that is nobody, without a capability, on a root that cannot be written.

What the image and the shipped container files set is set here by hand: user, capabilities, no new privileges, a
read-only root, and one folder that may be written.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pytest
from ruamel.yaml import YAML

from tests.acceptance.program import RELAY, configured, session, started
from tests.acceptance.sink import Sink

ROOT = Path(__file__).parents[2]
(USER,) = re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
NO_CAPABILITY = "0" * 16


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The one folder that may be written."""
    os.chown(tmp_path, int(USER), int(USER))
    return tmp_path


@pytest.fixture
def stage() -> Iterator[Path]:
    """Where mounts stand while others are made."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def confined(
    stage: Path, volume: Path, arguments: Sequence[str], log: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the program as a container engine does: the process that is begun becomes the program itself."""
    script = "\n".join(["set -e", *_mounts(stage, volume), f"cd {volume}", _as_nobody(arguments)])
    with_ours = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["unshare", "--mount", "sh", "-c", script]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=with_ours)


def _mounts(stage: Path, volume: Path) -> Iterator[str]:
    """Say how to make all but the volume read-only. Folders that let in their owner alone are replaced by empty ones,
    which hold no more than what the program is made of.
    """
    needed = [Path(sys.base_prefix), ROOT, Path(sys.prefix), volume]
    closed = {folder for each in needed for folder in each.parents if not folder.stat().st_mode & 0o001}
    outermost = [folder for folder in closed if not closed & set(folder.parents)]
    yield "mount --make-rprivate /"
    for number, each in enumerate(needed):
        yield f"mkdir {stage}/{number} && mount --bind {each} {stage}/{number}"
    for folder in outermost:
        yield f"mount -t tmpfs -o mode=755 tmpfs {folder}"
    for number, each in enumerate(needed):
        yield f"mkdir -p {each} && mount --bind {stage}/{number} {each}"
    for read_only in (*needed[:-1], *outermost, Path("/")):
        yield f"mount -o remount,ro,bind {read_only}"


def _as_nobody(arguments: Sequence[str]) -> str:
    nobody = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs"]
    return shlex.join(["exec", *nobody, "--bounding-set=-all", "--inh-caps=-all", *RELAY, *arguments])


async def test_nobody_without_powers_on_a_read_only_root_carries_events(volume: Path, stage: Path, sink: Sink) -> None:
    """It needs one folder to write to, and nothing else: not a user's name, not a temporary folder, no capability."""
    parts = {
        "sources": {"shop": {"verify": "token", "token": "a-token-of-the-shop"}},
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": "shop", "to": "erp"}],
    }
    program = configured(volume, parts)
    program.begin = partial(confined, stage, volume)
    async with started(program) as relay:
        process = Path(f"/proc/{relay.running.pid}")
        status, mounts = (process / "status").read_text(), (process / "mountinfo").read_text()
        url = f"{relay.url}/in/shop/a-token-of-the-shop"
        async with session() as http, http.post(url, data=b"{}") as answer:
            assert 200 == answer.status
        await relay.is_settled()
        code = await relay.stop()

    assert 1 == len(sink.arrivals)
    assert 0 == code
    told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert [USER] * 4 == told["Uid"].split()
    assert {NO_CAPABILITY} == {told[kind] for kind in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")}
    assert "1" == told["NoNewPrivs"]
    at_root = [line.split() for line in mounts.splitlines() if line.split()[4] == "/"]
    assert at_root[-1][5].startswith("ro,")  # proc(5): the options of the mount that is seen


@pytest.mark.parametrize("name", ["compose.yaml", "compose.roles.yaml", "compose.replicas.yaml"])
def test_shipped_containers_are_confined_like_that(name: str) -> None:
    """What was tried here is what is run there."""
    services = YAML(typ="safe").load(ROOT / "config" / name)["services"]
    ours = [service for service in services.values() if service.get("image", "").startswith("callback-relay")]

    assert ours
    for service in ours:
        assert service["read_only"] is True
        assert ["ALL"] == service["cap_drop"]
        assert ["no-new-privileges:true"] == service["security_opt"]
        assert "user" not in service  # the image's
