"""`relay completion`: a shell completes commands, options and names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import Result

from relay.cli import main
from relay.cli.completion import SHELLS, VARIABLE

Call = Callable[..., Result]


def completed(*words: str, begun: str = "") -> list[str]:
    return [item.value for item in BashComplete(main, {}, "relay", VARIABLE).get_completions(list(words), begun)]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_own(call: Call, shell: str) -> None:
    """It asks the program again by click's variable, so that it knows what this version knows."""
    result = call("completion", shell)

    assert 0 == result.exit_code, result.output
    assert f"{VARIABLE}={shell}_complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        ((), "rep", ["replay"]),
        (("events", "--source"), "", ["invoices", "erp-events", "shop"]),
        (("events", "--target"), "e", ["erp"]),
        (("targets",), "", ["pause", "resume", "move", "cancel"]),
        (("targets", "pause"), "", ["erp"]),
        (("send",), "s", ["shop"]),
        (("events", "--status"), "d", ["dead", "delivered"]),
        (("events", "-c", "faulty.yaml", "--source"), "", ["shop"]),
        (("events", "-c", "missing.yaml", "--source"), "", []),
    ],
)
def test_names_are_those_of_the_configuration(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], begun: str, expected: list[str]
) -> None:
    """Also where its secrets are not in this shell's environment, or a key in it is wrong."""
    monkeypatch.delenv("TOKEN")

    assert expected == completed(*words, begun=begun)
