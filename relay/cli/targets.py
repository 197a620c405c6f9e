"""`relay targets`: how targets stand; hold one, let it go on; move or cancel what waits for one."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click
import orjson
from click.shell_completion import CompletionItem

from relay.cli.database import opened, opened_with_clock
from relay.cli.filters import names_of
from relay.cli.options import config_option, json_option, load_or_exit, unknown
from relay.cli.tables import table
from relay.config import Config
from relay.config.units import lasting
from relay.domain import GateState
from relay.operations import Changed, TargetReport, cancel_waiting, move_waiting, report_targets
from relay.store.protocol import Store
from relay.web.telling import told_target

COLUMNS = ("name", "kind", "address", "state", "backlog", "dead", "oldest", "held")


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete what is done first, then to whom."""
    if ctx.params.get("change"):
        return names_of("targets")(ctx, param, incomplete)
    return [CompletionItem(verb) for verb in ("pause", "resume", "move", "cancel") if verb.startswith(incomplete)]


@click.command()
@click.argument("change", nargs=-1, metavar="[pause|resume|move|cancel NAME]", shell_complete=_complete)
@click.option("--yes", is_flag=True, help="Cancel without being asked.")
@json_option
@config_option
def targets(config_path: Path, change: tuple[str, ...], as_json: bool, yes: bool) -> None:
    """Show how targets stand and what waits for them; pause one, or let it go on; move or cancel what waits.

    \b
    relay targets               what waits, what died, who is held, and why
    relay targets pause erp     its deliveries wait, and use up neither attempts nor retry.max_age
    relay targets resume erp    they go on
    relay targets move erp crm  what waits for erp, configured or not, is sent to crm
    relay targets cancel erp    what waits for erp is never sent

    This asks and changes the database of the configuration, whether a relay runs on it or not; one that does follows
    within a second. A pause outlasts every restart.
    """
    if yes and change[:1] != ("cancel",):
        raise click.UsageError("--yes is for `relay targets cancel NAME`")
    config = load_or_exit(config_path)
    match change:
        case ():
            reports, now = asyncio.run(_reports(config))
            _show(reports, now, as_json=as_json)
        case ("pause" | "resume" as verb, name):
            before, after, now = asyncio.run(_hold(config, name, is_paused=verb == "pause"))
            _tell_change(before, after, now, as_json=as_json)
        case ("move", name, other):
            changed = asyncio.run(_move(config, name, other))
            _tell_moved(changed, f"now wait for {other}", as_json=as_json)
        case ("cancel", name):
            if as_json and not yes:
                raise click.UsageError("with --json nobody is asked; expected --yes, too")
            if not yes:
                waiting = asyncio.run(_waiting(config, name))
                click.confirm(f"{waiting:,} wait for {name}: cancel them?", abort=True, err=True)
            _tell_moved(asyncio.run(_cancel(config, name)), "are cancelled", as_json=as_json)
        case _:
            raise click.UsageError("expected `relay targets`, or `pause|resume|cancel NAME`, or `move NAME OTHER`")


async def _reports(config: Config) -> tuple[Mapping[str, TargetReport], datetime]:
    """Return how all stand, and as of when."""
    async with opened_with_clock(config.storage.database) as (store, clock):
        return await report_targets(store, config.targets), clock.now()


async def _hold(config: Config, name: str, *, is_paused: bool) -> tuple[TargetReport, TargetReport, datetime]:
    """Hold a target, or let it go on; return how it stood, how it stands, and since when."""
    async with opened_with_clock(config.storage.database) as (store, clock):
        before, now = await _known(store, config, name), clock.now()
        await store.pause(name, now, is_paused=is_paused)
        return before, await _known(store, config, name), now


async def _move(config: Config, name: str, other: str) -> Changed:
    async with opened_with_clock(config.storage.database) as (store, clock):
        await _known(store, config, name)
        if other not in config.targets:
            raise unknown("target", other, config.targets)
        if other == name:
            raise click.UsageError(f"what waits for {name} waits for it already; expected another target")
        return await move_waiting(store, name, other, clock.now())


async def _cancel(config: Config, name: str) -> Changed:
    async with opened_with_clock(config.storage.database) as (store, clock):
        await _known(store, config, name)
        return await cancel_waiting(store, name, clock.now())


async def _waiting(config: Config, name: str) -> int:
    async with opened(config.storage.database) as store:
        return (await _known(store, config, name)).lane.unfinished


async def _known(store: Store, config: Config, name: str) -> TargetReport:
    reports = await report_targets(store, config.targets)
    if name not in reports:
        raise unknown("target", name, reports)
    return reports[name]


def _tell_moved(changed: Changed, words: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"changed": changed.count}))
    else:
        click.echo(f"{changed.count:,} deliveries {words}")


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
    if report.target is None:
        return f"`relay targets move {report.name} OTHER`, or `cancel {report.name}`" if report.lane.unfinished else ""
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
