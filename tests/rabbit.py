"""What a RabbitMQ of the tests' own is told."""

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

USER, PASSWORD = "us3r", "pa55word"
READER = "reader"
MESSAGE_BYTES_MAX = 4_000_000

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in the path goes on as another user, to another folder
GREETING = b"AMQP\x00\x00\x09\x01"
NODE = "relay@localhost"
MEMORY = f"{{resource_limit, memory, '{NODE}'}}"


@dataclass(frozen=True, slots=True)
class Rabbit:
    """A server. TLS is on the next port. environ: what it was started with."""

    port: int
    environ: Mapping[str, str]

    @contextmanager
    def alarmed(self) -> Iterator[None]:
        """Make it short of memory, as it believes."""
        self._call(f"rabbit_alarm set_alarm [{{{MEMORY}, []}}]")
        try:
            yield
        finally:
            self._call(f"rabbit_alarm clear_alarm [{MEMORY}]")

    def _call(self, function: str) -> None:
        command = ["erl_call", "-sname", NODE, "-a", function]
        answer = subprocess.run(command, env={**os.environ, **self.environ}, check=True, capture_output=True)
        assert b"ok" == answer.stdout


def settled(folder: Path, port: int, other: int) -> dict[str, str]:
    """Write its files, and return its environment: all that it has stays in the folder, and off other servers.

    TLS is on the port after `port`. other: the port of an epmd; the next is for its talk with other servers.
    """
    (folder / "definitions.json").write_text(json.dumps(_definitions()))
    (folder / "plugins").write_text("[].")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.default = 127.0.0.1:{port}\nlisteners.ssl.default = 127.0.0.1:{port + 1}\n"
        f"ssl_options.certfile = {folder}/tls.pem\nssl_options.keyfile = {folder}/tls.pem\n"
        f"ssl_options.verify = verify_none\nload_definitions = {folder}/definitions.json\n"
        f"max_message_size = {MESSAGE_BYTES_MAX}\n"
    )
    return {
        "HOME": str(folder),  # where its cookie lies
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(other),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_DIST_PORT": str(other + 1),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_NODENAME": NODE,
        "RUNNING_UNDER_SYSTEMD": "true",  # no shell stands between us and the server
    }


def _definitions() -> dict[str, object]:
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [_user(USER), _user(READER)],
        "vhosts": [{"name": "/"}, {"name": "/prod"}],
        "permissions": [
            {"user": USER, "vhost": "/", **everything},
            {"user": USER, "vhost": "/prod", **everything},
            {"user": READER, "vhost": "/", **everything, "write": ""},
        ],
    }


def _user(name: str) -> dict[str, str]:
    salted = b"salt" + sha256(b"salt" + PASSWORD.encode()).digest()
    return {
        "name": name,
        "password_hash": b64encode(salted).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }
