"""`-c FILE`: which configuration a command reads."""

from collections.abc import Callable

import click
import pytest
from click.testing import Result

from relay.cli import COMMANDS, main
from tests.integration.cli.test_completion import completed

Call = Callable[..., Result]
READ_NONE = {"demo", "presets", "migrate", "schema", "completion"}


@pytest.mark.parametrize(
    "line", ["-c faulty.yaml check", "check -c faulty.yaml", "-c missing.yaml check -c faulty.yaml"]
)
def test_it_is_named_before_the_command_or_after_it(call: Call, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """A hand writes it in either place; the one after the command wins, and the environment yields to both."""
    monkeypatch.setenv("RELAY_CONFIG", "another.yaml")

    result = call(*line.split())

    assert 2 == result.exit_code
    assert result.stderr.startswith("faulty.yaml:"), result.output


def test_names_are_completed_from_the_file_before_the_command(call: Call) -> None:
    """The shell looks where the command will."""
    assert ["shop"] == completed("-c", "faulty.yaml", "events", "--source")


def test_every_command_tells_whether_it_reads_one() -> None:
    """It stands in the help of each that does, and in that of `relay` itself."""
    context = click.Context(main)
    options = {name: [each.opts for each in _command(name, context).params] for name in COMMANDS}

    assert {name for name, known in options.items() if ["-c", "--config"] not in known} == READ_NONE
    assert "-c, --config" in main.get_help(context)


@pytest.mark.parametrize("name", sorted(READ_NONE))
def test_a_command_that_reads_none_refuses_it(call: Call, name: str) -> None:
    """What is accepted is obeyed."""
    result = call("-c", "faulty.yaml", name)

    assert 2 == result.exit_code
    assert f"`relay {name}` reads no configuration: leave -c out" in result.stderr


def _command(name: str, context: click.Context) -> click.Command:
    command = main.get_command(context, name)
    assert command is not None
    return command
