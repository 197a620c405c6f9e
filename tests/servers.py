"""Real servers that tests need, each started by the first that does and ended with the last."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from tests.mail import SELF_SIGNED
from tests.objects import UNPROVEN_ACTIONS, Objects, prepared
from tests.patience import WAIT_S_MAX
from tests.ports import free_pair
from tests.rabbit import GREETING, SERVER, Rabbit, settled

UPSTREAM_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Servers:
    """What runs, until `stack` is closed. Each listens on loopback, in a folder of its own."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @cached_property
    def redis(self) -> int:
        """Return the port of a Redis that wants `us3r` with `pa55word`; TLS is on the next."""
        port, folder = free_pair(), self._folder("redis")
        settings = folder / "redis.conf"
        settings.write_text(
            f"port {port}\ntls-port {port + 1}\nbind 127.0.0.1\ntls-auth-clients no\n"
            f'tls-cert-file {folder}/tls.pem\ntls-key-file {folder}/tls.pem\ndir {folder}\nsave ""\n'
            "user default off\nuser us3r on >pa55word ~* +@all\nuser reader on >pa55word ~* +ping\n"
        )
        self._run(["redis-server", str(settings)], lambda: answers(port, b"PING\r\n", b"-NOAUTH"))
        return port

    @cached_property
    def nats(self) -> int:
        """Return the port of a NATS with JetStream that wants `us3r` with `pa55word`."""
        return self._nats("")

    @cached_property
    def nats_tls(self) -> int:
        """Return the port of another, that wants TLS, too."""
        return self._nats('tls { cert_file: "tls.pem", key_file: "tls.pem" }\n')

    def _nats(self, more: str) -> int:
        port, folder = free_pair(), self._folder("nats")
        settings = folder / "nats.conf"
        settings.write_text(
            f'listen: "127.0.0.1:{port}"\nmax_payload: 4MB\njetstream {{ store_dir: "{folder}/store" }}\n'
            f"authorization {{ user: us3r, password: pa55word }}\n{more.replace('tls.pem', str(folder / 'tls.pem'))}"
        )
        self._run(["nats-server", "-c", str(settings)], lambda: answers(port, b"", b"INFO"))
        return port

    @cached_property
    def rabbit(self) -> Rabbit:
        """Return a RabbitMQ that wants `us3r` with `pa55word`."""
        port, other, folder = free_pair(), free_pair(), self._folder("rabbit")
        environ = settled(folder, port, other)
        self._run(
            ["epmd", "-port", str(other), "-address", "127.0.0.1"],  # its own, or it would leave one running
            lambda: answers(other, b"\x00\x01n", other.to_bytes(4, "big")),
        )
        self._run(
            [SERVER],
            lambda: answers(port, GREETING, b"\x01\x00\x00") and answers(port + 1, GREETING, b"\x15\x03"),
            **environ,
        )
        return Rabbit(port, environ)

    @cached_property
    def relay(self) -> tuple[str, Path]:
        """Return the URL of a relay with a source `upstream`, and one that is `strict`; and its database."""
        port, folder = free_pair(), self._folder("relay")
        settings = {
            "server": {"listen": f"127.0.0.1:{port}"},
            "admin": {"listen": f"127.0.0.1:{port + 1}"},
            "storage": {"url": f"sqlite:///{folder}/relay.db", "disk_free_min": "1MiB"},
            "sources": {
                "upstream": {"preset": "relay", "verify": "none"},  # tests stand at another time than this program
                "strict": {"preset": "relay", "secret": UPSTREAM_SECRET},
            },
        }
        (folder / "relay.yaml").write_text(json.dumps(settings))
        self._run(
            ["relay", "serve", "-c", str(folder / "relay.yaml")],
            lambda: answers(port, b"GET /readyz HTTP/1.0\r\n\r\n", b"HTTP/1.0 200"),
        )
        return f"http://127.0.0.1:{port}", folder / "relay.db"

    @cached_property
    def s3(self) -> Objects:
        """Return an S3 server."""
        port = free_pair()
        self._run(
            ["moto_server", "-p", str(port)],
            lambda: answers(port, b"GET /moto-api/ HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
            INITIAL_NO_AUTH_ACTION_COUNT=str(UNPROVEN_ACTIONS),
        )
        return prepared(f"http://127.0.0.1:{port}")

    def _folder(self, name: str) -> Path:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=f"relay-{name}-")))
        (folder / "tls.pem").write_bytes(SELF_SIGNED.read_bytes())
        return folder

    def _run(self, command: list[str], is_ready: Callable[[], bool], **environ: str) -> None:
        program = shutil.which(command[0], path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        assert program is not None, f"{command[0]} is missing: tests/run installs it"
        process = subprocess.Popen(
            [program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, env={**os.environ, **environ}
        )
        self._stack.callback(end, process)
        deadline_s = time.monotonic() + WAIT_S_MAX
        while not is_ready():
            assert process.poll() is None, f"{command[0]} ended by itself"
            assert time.monotonic() < deadline_s, f"{command[0]} does not answer"
            time.sleep(0.02)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(WAIT_S_MAX)


def answers(port: int, question: bytes, beginning: bytes) -> bool:
    """Tell whether a server on loopback answers as it should."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(question)
            return connection.recv(100).startswith(beginning)
    except OSError:
        return False
