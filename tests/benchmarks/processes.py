"""The processes that are measured: started, waited for, weighed, and ended by their id whatever happens."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import weighing
from tests.benchmarks.asking import ask
from tests.benchmarks.benchmark import NotMeasured
from tests.benchmarks.load import SECRET

START_S_MAX = 60.0
END_S_MAX = 30.0
HELP_S_MAX = 20.0
PAUSE_S = 0.01
SOURCE_PATH = "/in/shop"
ADMIN_TOKEN = "a-token-of-the-admin"
CONCURRENCY = 32  # of each target

ALL, RECEIVE, DELIVER = "all", "receive", "deliver"


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def cpu_s(self) -> float:
        """Return the processor time it has used, all threads and descendants together."""
        return weighing.cpu_s(self.process.pid)

    @property
    def peak_memory_bytes(self) -> int:
        """Return the largest memory it has had, with its descendants."""
        return weighing.peak_memory_bytes(self.process.pid)

    @property
    def memory_bytes(self) -> int:
        """Return the memory that it has now, with its descendants."""
        return weighing.memory_bytes(self.process.pid)

    async def listens(self) -> None:
        """Come back once it takes connections."""
        await self._until(self._takes_connections)

    async def is_ready(self) -> None:
        """Come back once it says so."""
        await self._until(self._says_ready)

    async def _until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(START_S_MAX):
            while not await is_so():
                if self.process.poll() is not None:
                    raise RuntimeError(f"a server ended by itself, with {self.process.returncode}")
                await asyncio.sleep(PAUSE_S)

    async def _takes_connections(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionError:
            return False
        writer.close()
        return True

    async def _says_ready(self) -> bool:
        try:
            status, _ = await ask(self.port, "/readyz")
        except (ConnectionError, asyncio.IncompleteReadError):
            return False
        return status == 200


@dataclass(frozen=True, slots=True)
class Site:
    """Where a relay lives: its folder, and the ports of its configuration."""

    folder: Path
    public_port: int
    admin_port: int

    @property
    def database(self) -> Path:
        """Return where its events are."""
        return self.folder / "relay.db"

    @property
    def configuration(self) -> Path:
        """Return where its configuration is."""
        return self.folder / "relay.yaml"


def site(folder: Path, targets: Mapping[str, str], *, max_body: str = "1MiB", **storage: str) -> Site:
    """Write the configuration of a relay. targets: URLs by name, each of which gets every event.

    storage: further settings; with a `url` another database than the folder's own.
    """
    made = Site(folder, free_port(), free_port())
    verify = {"scheme": "hmac", "algorithm": "sha256", "header": "X-Signature"}
    configuration = {
        "server": {"listen": f"127.0.0.1:{made.public_port}"},
        "admin": {"listen": f"127.0.0.1:{made.admin_port}", "tokens": [ADMIN_TOKEN]},
        "storage": {"url": f"sqlite:///{made.database}", "disk_free_min": "1MiB", **storage},
        "sources": {"shop": {"verify": verify, "secret": SECRET, "max_body": max_body}},
        "targets": {
            name: {"url": url, "allow_private": True, "concurrency": CONCURRENCY} for name, url in targets.items()
        },
        "routes": [{"from": "shop", "to": list(targets)}] if targets else [],
    }
    made.configuration.write_text(json.dumps(configuration, indent=2))
    return made


@contextmanager
def relay(at: Site, role: str = ALL, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run the real program, logging JSON lines to a file as in production. role: what this process does of it all."""
    roles = () if role == ALL else ("--role", role)
    command = (sys.executable, "-m", "relay", "serve", "-c", str(at.configuration), *roles)
    port = at.admin_port if role == DELIVER else at.public_port
    with (
        (at.folder / f"{role}.log").open("wb") as log,
        running(*command, port=port, log=log.fileno(), environment=environment) as server,
    ):
        yield server


def require_roles() -> None:
    """Insist that one process can receive and another deliver."""
    told = subprocess.run(
        (sys.executable, "-m", "relay", "serve", "--help"), capture_output=True, timeout=HELP_S_MAX, check=True
    )
    if b"--role" not in told.stdout:
        raise NotMeasured("this relay has no `relay serve --role`")


@contextmanager
def ours(kind: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run one of the benchmarks' own servers."""
    port = free_port()
    command = (sys.executable, "-m", "tests.benchmarks.servers", kind, str(port), *arguments)
    with running(*command, port=port, environment=environment) as server:
        yield server


@contextmanager
def running(
    *command: str, port: int, log: int = subprocess.DEVNULL, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a program in a process group of its own, so that it ends with all that it has started."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        yield Server(process, port)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(END_S_MAX)


def free_port() -> int:
    """Find a port that nothing listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
