"""`relay`, `relay urls`, `relay presets`, `relay schema`: the commands that only tell."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from relay import config, presets
from relay.cli import COMMANDS, main
from relay.cli.presets import NEEDS
from relay.config.models.schemes import SCHEMES

Call = Callable[..., Result]


def test_urls_are_shown_without_their_secrets(call: Call) -> None:
    """They are shown in a terminal that others may see."""
    result = call("urls")

    assert 0 == result.exit_code
    assert [
        "SOURCE      URL",
        "invoices    https://hooks.example.com/in/invoices/***",
        "erp-events  https://user:***@hooks.example.com/in/erp-events",
        "shop        https://hooks.example.com/in/shop",
    ] == result.stdout.splitlines()


def test_urls_are_whole_when_asked_for(call: Call) -> None:
    """What is shown can be copied to the vendor: it is encoded as a URL is."""
    result = call("urls", "--show", "--json")

    assert [
        {"source": "invoices", "url": "https://hooks.example.com/in/invoices/s3cret%2Fof%20ours"},
        {"source": "erp-events", "url": "https://user:s3cret%2Fof%20ours@hooks.example.com/in/erp-events"},
        {"source": "shop", "url": "https://hooks.example.com/in/shop"},
    ] == json.loads(result.stdout)


def test_without_a_public_url_the_local_one_is_shown(call: Call) -> None:
    """It works on this machine, and says that it is no more."""
    with open("local.yaml", "w") as file:
        file.write("sources: {shop: {verify: none}}\n")

    result = call("urls", "-c", "local.yaml")

    assert "shop    http://127.0.0.1:8080/in/shop" == result.stdout.splitlines()[1]
    assert "server.public_url" in result.stderr


def test_presets_are_listed_with_what_they_need(call: Call) -> None:
    """A newcomer finds the vendor, and what to ask of it."""
    result = call("presets")

    lines = [" | ".join(re.split(" {2,}", line)) for line in result.stdout.splitlines()]
    assert "NAME | VENDOR | NEEDS" == lines[0]
    assert "getaround | Getaround Owner API | `secret`: signs X-Drivy-Signature by HMAC-SHA1" in lines
    assert "invoice-collector | Invoice-Collector | `token`: a secret in the URL" in lines
    assert any(line.startswith("meta | ") and "`verify_token`" in line for line in lines)
    assert any(line.startswith("twilio | ") and "`server.public_url`" in line for line in lines)
    assert len(presets.names()) + 1 == len(lines)


def test_presets_can_be_read_by_programs(call: Call) -> None:
    """With the vendor's page, and the events that `relay send` can send."""
    told = json.loads(call("presets", "--json").stdout)

    assert list(presets.names()) == [preset["name"] for preset in told]
    (getaround,) = [preset for preset in told if preset["name"] == "getaround"]
    assert "rental.booked" in getaround["samples"]
    assert all(preset["page"].startswith("https://") for preset in told)


def test_every_scheme_says_what_it_needs() -> None:
    """A preset may use any of them."""
    assert set(SCHEMES) == set(NEEDS)


def test_the_schema_is_printed(call: Call) -> None:
    """`relay schema > relay.schema.json` is all that an editor needs."""
    assert config.schema() == json.loads(call("schema").stdout)


def test_help_lists_every_command(call: Call) -> None:
    """And imports none of them: it is there at once."""
    result = call("--help")

    assert 0 == result.exit_code
    told = " ".join(result.stdout.split())
    assert [] == [name for name, text in COMMANDS.items() if f"{name} {text}" not in told]
    assert list(COMMANDS) == main.list_commands(click.Context(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(call: Call, name: str) -> None:
    """What the list says of a command is what the command says of itself."""
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert 0 == call(name, "--help").exit_code
    assert (command.help or "").startswith(COMMANDS[name].removesuffix("."))


def test_a_command_that_is_not_there_is_wrong_usage(call: Call) -> None:
    """Exit code 2, as for every wrong usage."""
    assert 2 == call("chek").exit_code


def test_a_command_that_is_misspelt_is_told_with_the_right_one(call: Call) -> None:
    """It is night, and fingers slip."""
    assert "there is no command 'evnts'; did you mean `relay events`?" in call("evnts").stderr


def test_a_configuration_that_is_elsewhere_is_told_where_to_name(call: Call, folder: Path) -> None:
    """Whoever stands in another folder reads how to name it."""
    (folder / "config" / "relay.yaml").unlink()

    result = call("events")

    assert 2 == result.exit_code
    assert "another place is told by -c FILE, or by RELAY_CONFIG\n" in result.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://"])
@pytest.mark.parametrize("command", [("health",), ("send", "shop")])
def test_an_address_that_is_none_is_wrong_usage(call: Call, command: tuple[str, ...], url: str) -> None:
    """Before anything is asked of it."""
    result = call(*command, "--url", url)

    assert 2 == result.exit_code
    assert "expected http://HOST:PORT" in result.stderr


def test_the_version_is_told(call: Call) -> None:
    """The first question of every report."""
    assert call("--version").stdout.startswith("relay 0.")
