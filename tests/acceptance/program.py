"""The real program, as a process of its own: started on free ports in a folder of the test's, watched, ended."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout
from click.testing import CliRunner

from relay.cli import main
from tests.forking import Forked, ended
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.storage import Rows, SqliteStorage, Storage

POLL_S = 0.02

RELAY = (sys.executable, "-m", "relay")


class Process(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> object: ...


Begin = Callable[[Sequence[str], IO[bytes], Mapping[str, str]], Process]


def begun(arguments: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the program from nothing, as a service manager does."""
    with_ours = {**os.environ, **environment}
    return subprocess.Popen([*RELAY, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=with_ours)


@dataclass(slots=True)
class Program:
    """`relay serve`, on one configuration file; it can be killed and started again at the same place."""

    config: Path
    storage: Storage
    port: int
    admin_port: int
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: Process | None = field(default=None, repr=False)
    begin: Begin = Forked

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def log(self) -> Path:
        return self.config.with_suffix(".log")

    @property
    def running(self) -> Process:
        assert self.process is not None, "the program was not started"
        return self.process

    @property
    def database(self) -> Path:
        """Return the database file, where there is one."""
        assert isinstance(self.storage, SqliteStorage), "its database is no file"
        return self.storage.path

    @property
    def writer_pid(self) -> int:
        """Return the process that writes the database file: the relay's only child. Source: proc(5)."""
        children = Path(f"/proc/{self.running.pid}/task").glob("*/children")  # by the thread that started them
        (pid,) = [int(pid) for of_thread in children for pid in of_thread.read_text().split()]
        return pid

    def start(self) -> None:
        """Start the process; what it says is added to `log`."""
        with self.log.open("ab") as log:
            begin = begun if self.environment else self.begin
            self.process = begin(["serve", "-c", str(self.config), *self.arguments], log, self.environment)

    async def is_ready(self) -> None:
        """Come back once the program says that it is ready."""
        await self.until_readiness_is(200)

    async def until_readiness_is(self, status: int) -> Mapping[str, Any]:
        """Come back once /readyz answers with a status; return what it says."""
        async with asyncio.timeout(WAIT_S_MAX), session() as http:
            while True:
                assert self.running.poll() is None, f"the relay ended by itself:\n{self.tail()}"
                try:
                    async with http.get(f"{self.url}/readyz") as answer:
                        if answer.status == status:
                            told: Mapping[str, Any] = await answer.json()
                            return told
                except ClientError:
                    pass  # it does not listen yet
                await asyncio.sleep(POLL_S)

    def kill(self) -> None:
        """End it as the system would when memory runs out: nothing is finished, nothing is said."""
        self.running.kill()
        self.running.wait(WAIT_S_MAX)

    async def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        self.running.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Come back once it has ended; return its exit code."""
        async with asyncio.timeout(WAIT_S_MAX):
            while (code := self.running.poll()) is None:
                await asyncio.sleep(POLL_S)
        return code

    async def has_said(self, word: str) -> None:
        """Come back once a word stands in the log."""
        async with asyncio.timeout(WAIT_S_MAX):
            while word not in self.log.read_text():
                await asyncio.sleep(POLL_S)

    async def is_settled(self, deadline_s: float = WAIT_S_MAX) -> None:
        """Come back once no delivery is unfinished, by the program's own metrics."""
        async with asyncio.timeout(deadline_s), session() as http:
            while await self._backlog(http) > 0:
                await asyncio.sleep(POLL_S)

    async def _backlog(self, http: ClientSession) -> float:
        async with http.get(f"{self.admin_url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("relay_backlog{"))

    def rows(self, statement: str) -> Rows:
        """Read the database, beside the program."""
        with ThreadPoolExecutor(1) as reading:  # a test's own loop is running here
            return reading.submit(asyncio.run, self.storage.rows(statement)).result()

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def session() -> ClientSession:
    return ClientSession(timeout=ClientTimeout(total=WAIT_S_MAX))


def configured(
    folder: Path,
    parts: Mapping[str, Any],
    *arguments: str,
    name: str = "relay",
    storage: Storage | None = None,
    environment: Mapping[str, str] | None = None,
) -> Program:
    """Write a configuration, JSON being YAML, with ports of its own where `parts` names none.

    storage: its database; a file in the folder, unless given. environment: what it has beside ours.
    """
    public, admin, database = free_port(), free_port(), storage or SqliteStorage(folder)
    document = {
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "storage": {"url": database.url, "disk_free_min": "1MiB"},
        **parts,
        "server": {"listen": f"127.0.0.1:{public}", **parts.get("server", {})},
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(document, indent=2))
    return Program(path, database, public, admin, arguments, environment or {})


@asynccontextmanager
async def started(program: Program) -> AsyncIterator[Program]:
    """Run the program; whatever becomes of the test, the process ends with it."""
    program.start()
    try:
        await program.is_ready()
        yield program
    finally:
        program.kill()


async def call(*arguments: str) -> tuple[int, str, str]:
    """Do as `run`, in this process: a story that asks again and again waits for no interpreter to start."""
    done = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    return done.exit_code, done.stdout, done.stderr


async def run(*arguments: str) -> tuple[int, str, str]:
    """Run a command of the program to its end; return exit code, output and errors."""
    return await asyncio.to_thread(ended, arguments)
