"""What is shipped to run the relay as a service calls it as it is."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from relay.cli.serve import serve
from relay.config import Config, load

CONFIG = Path(__file__).parents[2] / "config"
UNITS = sorted((CONFIG / "systemd").glob("*.service"))


def grace_s() -> float:
    config: Config = load(CONFIG / "relay.yaml", {"INVOICES_TOKEN": "a-token-of-ours"})
    return config.server.grace.total_seconds()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_the_relay_with_options_that_it_has(unit: Path) -> None:
    """A port stands for the instance's name."""
    (command,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    program, verb, *arguments = shlex.split(command.replace("%i", "8091"))

    assert ("relay", "serve") == (Path(program).name, verb)
    serve.make_context("serve", arguments)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_gives_the_relay_time_to_finish(unit: Path) -> None:
    """Else what is in flight at a restart is cut off and sent twice."""
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)

    assert int(stop_s) > grace_s()


def test_units_differ_only_in_what_they_run() -> None:
    """Whatever is taken away from one is taken away from all."""
    bodies = {re.sub(r"^(ExecStart|Description)=.*$", "", unit.read_text(), flags=re.MULTILINE) for unit in UNITS}

    assert 1 == len(bodies)


@pytest.mark.parametrize("name", ["compose.yaml", "compose.roles.yaml"])
def test_a_container_is_started_with_options_that_the_relay_has(name: str) -> None:
    """The image's entry point is `relay`."""
    services = YAML(typ="safe").load(CONFIG / name)["services"]
    commands = [service.get("command", ["serve"]) for service in services.values()]

    for verb, *arguments in commands:
        assert verb == "serve"
        serve.make_context("serve", arguments)
