"""The processes that are measured: started, waited for, weighed, and ended by their id whatever happens."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load import SECRET

START_S_MAX = 20.0
END_S_MAX = 30.0
SOURCE_PATH = "/in/shop"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def cpu_s(self) -> float:
        """Return the processor time it has used, all threads together. Source: proc(5), fields 14 and 15."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    async def listens(self) -> None:
        """Come back once it takes connections."""
        async with asyncio.timeout(START_S_MAX):
            while True:
                if self.process.poll() is not None:
                    raise RuntimeError(f"a server ended by itself, with {self.process.returncode}")
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except ConnectionError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return


@contextmanager
def bare() -> Iterator[Server]:
    """Run the bare handler."""
    with _running(*_server("bare", port := free_port()), port=port) as server:
        yield server


@contextmanager
def sink() -> Iterator[Server]:
    """Run a receiver of deliveries."""
    with _running(*_server("sink", port := free_port()), port=port) as server:
        yield server


@contextmanager
def relay(folder: Path, targets: dict[str, str]) -> Iterator[Server]:
    """Run the real program, logging JSON lines to a file as in production. targets: URLs by name."""
    port = free_port()
    path = folder / "relay.yaml"
    path.write_text(json.dumps(_configuration(folder, port, targets), indent=2))
    with (
        (folder / "relay.log").open("wb") as log,
        _running(sys.executable, "-m", "relay", "serve", "-c", str(path), port=port, log=log.fileno()) as server,
    ):
        yield server


def _configuration(folder: Path, port: int, targets: dict[str, str]) -> dict[str, object]:
    verify = {"scheme": "hmac", "algorithm": "sha256", "header": "X-Signature"}
    return {
        "server": {"listen": f"127.0.0.1:{port}"},
        "admin": {"listen": f"127.0.0.1:{free_port()}"},
        "storage": {"url": f"sqlite:///{folder / 'relay.db'}", "disk_free_min": "1MiB"},
        "sources": {"shop": {"verify": verify, "secret": SECRET}},
        "targets": {name: {"url": url, "allow_private": True, "concurrency": 32} for name, url in targets.items()},
        "routes": [{"from": "shop", "to": list(targets)}] if targets else [],
    }


def _server(kind: str, port: int) -> tuple[str, ...]:
    return sys.executable, "-m", "tests.benchmarks.servers", kind, str(port)


@contextmanager
def _running(*command: str, port: int, log: int = subprocess.DEVNULL) -> Iterator[Server]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield Server(process, port)
    finally:
        process.kill()
        process.wait(END_S_MAX)


def free_port() -> int:
    """Find a port that nothing listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
