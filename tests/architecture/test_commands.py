"""Someone who was woken at night asks one short question after another: a command imports no more than it needs."""

import json
import subprocess
import sys
from collections.abc import Sequence

from relay.cli import COMMANDS, MODULES
from tests.patience import WAIT_S_MAX

SERVER = {"aiohttp.web", "jinja2", "prometheus_client", "opentelemetry", "asyncpg"}
CLIENT = {"aiohttp"}
LOG = {"structlog"}
CONFIGURATION = {"pydantic", "ruamel", "relay.config"}

# What a relay does, and they do with its own parts: they may bring along what these need.
MORE = {
    "serve": SERVER | CLIENT | LOG,
    "demo": SERVER | CLIENT | LOG,
    "try": CLIENT,
    "replay": LOG,
    "rejections": LOG,
}


def imported_after(statements: Sequence[str]) -> list[set[str]]:
    """Return all that is imported after each statement of a process."""
    script = "import sys, json\n" + "\n".join(f"{each}\nprint(json.dumps([*sys.modules]))" for each in statements)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=WAIT_S_MAX, check=True
    )
    return [set(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]


def test_help_needs_no_configuration() -> None:
    """`relay --help`, and the shell that completes a command's name, answer at once."""
    (imported,) = imported_after(["import relay.cli; relay.cli.main(['--help'], standalone_mode=False)"])

    assert set() == imported & (CONFIGURATION | CLIENT | SERVER | LOG)


def test_a_command_imports_nothing_that_only_a_relay_needs() -> None:
    """The configuration is loaded, the database opened and read: no server, no templates, no metrics, no driver."""
    names = sorted(COMMANDS, key=lambda name: len(MORE.get(name, ())))  # one process takes all, the lightest first
    modules = [MODULES.get(name, name.replace("-", "_")) for name in names]
    imported = imported_after([f"import relay.store.sqlite.store, relay.cli.{module}" for module in modules])
    heavy: dict[str, set[str]] = {}
    allowed: set[str] = set()
    for name, modules_now in zip(names, imported, strict=True):
        allowed |= MORE.get(name, set())
        heavy[name] = modules_now & (CLIENT | SERVER | LOG) - allowed

    assert {} == {name: those for name, those in heavy.items() if those}
