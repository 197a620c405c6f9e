"""`relay targets`: how targets stand; `relay targets pause NAME` and `resume NAME`: hold one, let it go on."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click
import orjson
from click.shell_completion import CompletionItem

from relay.cli.database import opened
from relay.cli.filters import names_of
from relay.cli.options import config_option, json_option, load_or_exit, unknown
from relay.cli.tables import table
from relay.config import Config
from relay.config.units import lasting
from relay.domain import GateState
from relay.operations import TargetReport, report_targets
from relay.system_clock import SystemClock
from relay.web.telling import told_target

COLUMNS = ("name", "kind", "address", "state", "backlog", "dead", "oldest", "held")


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete what is done first, then to whom."""
    if ctx.params.get("change"):
        return names_of("targets")(ctx, param, incomplete)
    return [CompletionItem(verb) for verb in ("pause", "resume") if verb.startswith(incomplete)]


@click.command()
@click.argument("change", nargs=-1, metavar="[pause|resume NAME]", shell_complete=_complete)
@json_option
@config_option
def targets(config_path: Path, change: tuple[str, ...], as_json: bool) -> None:
    """Show how targets stand and what waits for them; pause one, or let it go on.

    \b
    relay targets               what waits, what died, who is held, and why
    relay targets pause erp     its deliveries wait, and use up neither attempts nor retry.max_age
    relay targets resume erp    they go on

    This asks and changes the database of the configuration, whether a relay runs on it or not; one that does follows
    within a second. A pause outlasts every restart.
    """
    config = load_or_exit(config_path)
    now = SystemClock().now()
    match change:
        case ():
            _show(asyncio.run(_reports(config)), now, as_json=as_json)
        case ("pause" | "resume" as verb, name):
            before, after = asyncio.run(_hold(config, name, now, is_paused=verb == "pause"))
            _tell_change(before, after, now, as_json=as_json)
        case _:
            raise click.UsageError(
                "expected `relay targets`, `relay targets pause NAME` or `relay targets resume NAME`"
            )


async def _reports(config: Config) -> Mapping[str, TargetReport]:
    async with opened(config.storage.database) as store:
        return await report_targets(store, config.targets)


async def _hold(config: Config, name: str, now: datetime, *, is_paused: bool) -> tuple[TargetReport, TargetReport]:
    """Hold a target, or let it go on; return how it stood and how it stands."""
    async with opened(config.storage.database) as store:
        reports = await report_targets(store, config.targets)
        if name not in reports:
            raise unknown("target", name, reports)
        await store.pause(name, now, is_paused=is_paused)
        return reports[name], (await report_targets(store, config.targets))[name]


def _show(reports: Mapping[str, TargetReport], now: datetime, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps([told_target(report) for report in reports.values()]))
    else:
        click.echo(table(COLUMNS, [_row(report, now) for report in reports.values()]))


def _row(report: TargetReport, now: datetime) -> tuple[str, ...]:
    told, lane = told_target(report), report.lane
    return (
        report.name,
        str(told["kind"] or ""),
        str(told["address"] or "") if report.target else "(not configured)",
        report.state.value,
        str(lane.unfinished),
        str(lane.dead),
        lasting(now - lane.oldest_at) if lane.oldest_at else "",
        _hold_in_words(report, now),
    )


def _hold_in_words(report: TargetReport, now: datetime) -> str:
    """Say since when a target's deliveries are held, why, and what ends it."""
    if report.held_since is None:
        return ""
    since = f"since {report.held_since:%Y-%m-%d %H:%M:%S} UTC ({lasting(now - report.held_since)})"
    if report.state is GateState.PAUSED:
        return f"{since}, until `relay targets resume {report.name}`"
    return f"{since}: {report.lane.breaker.reason}; {_next_try(report.next_probe_at, now)}"


def _next_try(probe_at: datetime | None, now: datetime) -> str:
    return f"next try in {lasting(probe_at - now)}" if probe_at and probe_at > now else "the next delivery tries it"


def _tell_change(before: TargetReport, after: TargetReport, now: datetime, *, as_json: bool) -> None:
    if as_json:
        is_changed = before.lane.is_paused is not after.lane.is_paused
        click.echo(orjson.dumps({**told_target(after), "changed": is_changed}))
    else:
        click.echo(f"{after.name} {_change_in_words(before, after, now)}")


def _change_in_words(before: TargetReport, after: TargetReport, now: datetime) -> str:
    words = _hold_in_words(after, now)
    if after.lane.is_paused:
        return f"was paused already, {words}" if before.lane.is_paused else f"is paused {words}"
    rest = f"; it is broken {words}" if words else ""
    return f"goes on{rest}" if before.lane.is_paused else f"was not paused, and is as before{rest}"
