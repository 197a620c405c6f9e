"""`relay check`: say everything that is wrong or doubtful with a configuration, and start nothing."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import click
import orjson

from relay.cli.database import opened_with_clock
from relay.cli.options import config_option, counted, json_option, tell_faults
from relay.config import Config, doubts, load
from relay.config.units import parse_duration
from relay.errors import ConfigurationInvalid, Fault
from relay.history import Comparison, Shaping, compare
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
    help="Ask its routes about the events stored since then, and say what would go elsewhere or could not be shaped.",
)
@click.option(
    "--instead-of",
    "former_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --against-history: a configuration; say also what would be shaped differently than by it.",
)
@json_option
@config_option
def check(config_path: Path, as_json: bool, back: timedelta | None, former_path: Path | None) -> None:
    """Check the configuration: every fault at once, and what is doubtful.

    Each is told as FILE:LINE:COLUMN: KEY: what is wrong, and what is expected. Starts nothing, writes nothing; looks
    up the names of targets, to warn where their addresses must not be called. Exit code 2 where there is a fault.
    """
    if former_path is not None and back is None:
        raise click.UsageError("--instead-of compares by stored events; say since when: --against-history 24h")
    try:
        config = load(config_path, os.environ)
        former = load(former_path, os.environ) if former_path else None
    except ConfigurationInvalid as invalid:
        _refuse(invalid.faults, as_json=as_json)
        sys.exit(2)
    history = None if back is None else asyncio.run(_compared(config, former, back))
    _approve(config, doubts(config, would_block), config_path, history, as_json=as_json)


async def _compared(config: Config, former: Config | None, back: timedelta) -> Comparison:
    async with opened_with_clock(config.storage.database) as (store, clock):
        before = Shaping(former.sources, former.targets) if former else None
        shaping = Shaping(config.sources, config.targets)
        now = clock.now()
        return await compare(store, config.sources, now - back, now, shaping, before)


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
