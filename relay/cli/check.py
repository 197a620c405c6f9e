"""`relay check`: say everything that is wrong or doubtful with a configuration, and start nothing."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import click
import orjson

from relay.cli.database import opened
from relay.cli.options import config_option, counted, json_option, tell_faults
from relay.config import Config, doubts, load
from relay.config.units import parse_duration
from relay.errors import ConfigurationInvalid, Fault
from relay.history import Comparison, compare
from relay.runtime import SystemClock
from relay.targets.addresses import would_block


def _read_duration(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Read a duration as the file would say it. Errors: BadParameter."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as misfit:
        raise click.BadParameter(f"{value!r}: {misfit}") from misfit


@click.command()
@click.option(
    "--against-history",
    "back",
    metavar="DURATION",
    callback=_read_duration,
    help="Ask its routes about the events stored since then, and say what would go elsewhere.",
)
@json_option
@config_option
def check(config_path: Path, as_json: bool, back: timedelta | None) -> None:
    """Check the configuration: every fault at once, and what is doubtful.

    Each is told as FILE:LINE:COLUMN: KEY: what is wrong, and what is expected. Starts nothing, writes nothing; looks
    up the names of targets, to warn where their addresses must not be called. Exit code 2 where there is a fault.
    """
    try:
        config = load(config_path, os.environ)
    except ConfigurationInvalid as invalid:
        _refuse(invalid.faults, as_json=as_json)
        sys.exit(2)
    history = None if back is None else asyncio.run(_compared(config, back))
    _approve(config, doubts(config, would_block), config_path, history, as_json=as_json)


async def _compared(config: Config, back: timedelta) -> Comparison:
    now = SystemClock().now()
    async with opened(config.storage.database) as store:
        return await compare(store, config.sources, now - back, now)


def _tell_history(found: Comparison) -> None:
    """Print what would be different, by route, with a few events that show it."""
    for words, difference in sorted(found.differences.items()):
        click.echo(f"{words}: {counted(difference.count, 'event')}, such as {', '.join(difference.examples)}")
    bound = "" if found.is_whole else ", and there are more"
    there = counted(len(found.differences), "difference")
    click.echo(f"{counted(found.events, 'stored event')} looked at{bound}: {there}")


def _refuse(faults: tuple[Fault, ...], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"ok": False, "faults": faults, "warnings": []}))
    else:
        tell_faults(faults)


def _approve(
    config: Config, warnings: tuple[Fault, ...], path: Path, history: Comparison | None, *, as_json: bool
) -> None:
    if as_json:
        compared = {} if history is None else {"history": history}
        click.echo(orjson.dumps({"ok": True, "faults": [], "warnings": warnings, **compared}))
        return
    for warning in warnings:
        click.echo(f"{warning} (warning)", err=True)
    routes = {route.name for source in config.sources.values() for route in source.routes}
    parts = [counted(len(config.sources), "source"), counted(len(config.targets), "target")]
    told = ", ".join([*parts, counted(len(routes), "route"), counted(len(warnings), "warning")])
    click.echo(f"{path} is good: {told}")
    if history is not None:
        _tell_history(history)
