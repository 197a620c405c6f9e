"""`relay check`: say everything that is wrong or doubtful with a configuration, and start nothing."""

import os
import sys
from pathlib import Path

import click
import orjson

from relay.cli.options import config_option, counted, json_option, tell_faults
from relay.config import Config, doubts, load
from relay.errors import ConfigurationInvalid, Fault
from relay.targets.addresses import would_block


@click.command()
@json_option
@config_option
def check(config_path: Path, as_json: bool) -> None:
    """Check the configuration: every fault at once, and what is doubtful.

    Each is told as FILE:LINE:COLUMN: KEY: what is wrong, and what is expected. Starts nothing, writes nothing; looks
    up the names of targets, to warn where their addresses must not be called. Exit code 2 where there is a fault.
    """
    try:
        config = load(config_path, os.environ)
    except ConfigurationInvalid as invalid:
        _refuse(invalid.faults, as_json=as_json)
        sys.exit(2)
    _approve(config, doubts(config, would_block), config_path, as_json=as_json)


def _refuse(faults: tuple[Fault, ...], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"ok": False, "faults": faults, "warnings": []}))
    else:
        tell_faults(faults)


def _approve(config: Config, warnings: tuple[Fault, ...], path: Path, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"ok": True, "faults": [], "warnings": warnings}))
        return
    for warning in warnings:
        click.echo(f"{warning} (warning)", err=True)
    routes = {route.name for source in config.sources.values() for route in source.routes}
    parts = [counted(len(config.sources), "source"), counted(len(config.targets), "target")]
    told = ", ".join([*parts, counted(len(routes), "route"), counted(len(warnings), "warning")])
    click.echo(f"{path} is good: {told}")
