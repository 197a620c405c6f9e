"""`relay replay`: send events again, one at once or many as a job; list jobs, cancel one."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from relay.cli.database import opened, opened_with_clock
from relay.cli.filters import filter_options, note_unknown, patience_option
from relay.cli.options import config_option, counted, json_option, load_or_exit
from relay.cli.progress import Tell, shown_progress
from relay.cli.show import event_or_fail
from relay.cli.tables import table
from relay.cli.texts import echo_json, plain
from relay.config import Config
from relay.finding import Counted, count_events
from relay.replays import PER_S, PER_S_MAX, new_replay, replay_event
from relay.store.ports.replays import Replay, ReplayState
from relay.store.ports.search import EventFilter, EventStatus
from relay.store.protocol import Store
from relay.web.telling import told_replay

SEARCH = "2s"
LOOK_EVERY_S = 0.5
IDLE = timedelta(seconds=10)  # overdue for so long: nobody takes the next step
LISTED_MAX = 50
COLUMNS = ("job", "state", "begun (utc)", "events", "a second", "searched", "sent again")
NOTHING_ASKED = (
    "expected the ID of an event, or which events: --source, --type, --status, --target, --since, --until, --text; "
    "or --list, or --cancel JOB"
)


@click.command()
@click.argument("event_id", metavar="[ID]", required=False)
@filter_options
@click.option("--delivered-too", is_flag=True, help="With --status dead: also deliveries that did arrive.")
@click.option("--per-s", type=click.IntRange(1, PER_S_MAX), default=PER_S, show_default=True, help="Events a second.")
@click.option("--yes", is_flag=True, help="Begin at once; without it, only count and ask.")
@click.option("--detach", is_flag=True, help="Do not wait until it is done.")
@click.option("--list", "lists", is_flag=True, help="List jobs, the newest first.")
@click.option("--cancel", "cancelled", metavar="JOB", help="Let a job send nothing more.")
@patience_option(SEARCH)
@json_option
@config_option
def replay(
    config_path: Path,
    event_id: str | None,
    wanted: EventFilter,
    lists: bool,
    cancelled: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Send events again: one at once, or many as a job.

    \b
    relay replay evt_0198c2… --target erp
    relay replay --status dead --target erp --since 24h
    relay replay --list
    relay replay --cancel rpl_0198c2…

    Many are counted first and asked about, unless --yes is given. A job is carried on by the relays that run on the
    database, so many events a second; it outlasts this command and every restart. With --status dead only deliveries
    that died are sent again. What is sent again has the same webhook-id, and X-Relay-Replay: 1.
    """
    config = load_or_exit(config_path)
    if sum([event_id is not None, lists, cancelled is not None, _means_many(wanted, event_id)]) != 1:
        raise click.UsageError(NOTHING_ASKED)
    if event_id is not None:
        _tell_sent(asyncio.run(_send_one(config, event_id, wanted.target)), event_id, as_json=as_json)
    elif lists:
        _show(asyncio.run(_jobs(config)), as_json=as_json)
    elif cancelled is not None:
        _tell_job(asyncio.run(_cancel(config, cancelled)), as_json=as_json)
    else:
        note_unknown(config, wanted)
        _replay_many(config, wanted, as_json=as_json, **how)


def _means_many(wanted: EventFilter, event_id: str | None) -> bool:
    """Tell whether a filter is given; a target alone may belong to the ID."""
    return wanted != EventFilter(target=wanted.target if event_id else None)


async def _send_one(config: Config, event_id: str, target: str | None) -> int:
    async with opened_with_clock(config.storage.database) as (store, clock):
        record = await event_or_fail(store, event_id)
        return await replay_event(store, record, target, clock.now())


def _tell_sent(count: int, event_id: str, *, as_json: bool) -> None:
    """Say what was sent again. Where nothing could be, the command has failed: exit code 1."""
    if as_json:
        echo_json({"id": event_id, "replayed": count})
    elif count:
        deliveries, begin = ("delivery", "begins") if count == 1 else ("deliveries", "begin")
        click.echo(f"{count:,} {deliveries} of {event_id} {begin} anew; `relay why {event_id}` tells on")
    else:
        click.echo(
            f"nothing to send again: no such delivery of {event_id} is final; see `relay why {event_id}`", err=True
        )
    sys.exit(0 if count else 1)


async def _jobs(config: Config) -> Sequence[Replay]:
    async with opened(config.storage.database) as store:
        return await store.replays.all(LISTED_MAX)


async def _cancel(config: Config, job_id: str) -> Replay:
    async with opened_with_clock(config.storage.database) as (store, clock):
        job = await store.replays.cancel(job_id, clock.now())
    if job is None:
        raise click.ClickException(f"there is no job {plain(job_id, 80)}; `relay replay --list` shows them")
    return job


def _replay_many(
    config: Config,
    wanted: EventFilter,
    *,
    delivered_too: bool,
    per_s: int,
    yes: bool,
    detach: bool,
    patience_s: float,
    as_json: bool,
) -> None:
    found = asyncio.run(_count(config, wanted, patience_s))
    if not yes and (as_json or not _agrees(found)):
        _tell_count(found, as_json=as_json)
        return
    only_dead = wanted.status is EventStatus.DEAD and not delivered_too
    job = asyncio.run(_begin(config, wanted, only_dead=only_dead, per_s=per_s))
    if not detach:
        job = _wait(config, job, found.searched if found.count.is_exact else None)
    _tell_job(job, as_json=as_json)


async def _count(config: Config, wanted: EventFilter, patience_s: float) -> Counted:
    async with opened_with_clock(config.storage.database) as (store, clock):
        return await count_events(store, wanted, clock, patience_s)


def _agrees(found: Counted) -> bool:
    """Ask whether to begin, where somebody sits at a terminal."""
    return sys.stdin.isatty() and click.confirm(f"send {_in_words(found)} again?", err=True)


def _tell_count(found: Counted, *, as_json: bool) -> None:
    if as_json:
        echo_json({"count": found.count.number, "exact": found.count.is_exact, "searched": found.searched})
    else:
        next_step = "add --yes to begin" if found.count.number else "look with `relay events` and the same options"
        click.echo(f"{_in_words(found)} would be sent again, and none was: {next_step}")


def _in_words(found: Counted) -> str:
    number = found.count.number
    return counted(number, "event") if found.count.is_exact else f"{number:,}+ events"


async def _begin(config: Config, wanted: EventFilter, *, only_dead: bool, per_s: int) -> Replay:
    async with opened_with_clock(config.storage.database) as (store, clock):
        job = new_replay(wanted, clock.now(), os.urandom(10), only_dead=only_dead, per_s=per_s)
        await store.replays.begin(job)
        return job


def _wait(config: Config, job: Replay, searched_max: int | None) -> Replay:
    """Show how far a job is until it ends. Who ends this command with Ctrl-C does not end the job."""
    try:
        with shown_progress() as tell:
            return asyncio.run(_follow(config, job, searched_max, tell))
    except KeyboardInterrupt:
        click.echo(
            f"\n{job.id} goes on: `relay replay --list` shows it, `relay replay --cancel {job.id}` ends it", err=True
        )
        sys.exit(0)


async def _follow(config: Config, job: Replay, searched_max: int | None, tell: Tell) -> Replay:
    is_told = False
    async with opened_with_clock(config.storage.database) as (store, clock):
        while job.state is ReplayState.RUNNING:
            tell("events", job.searched, searched_max)
            if not is_told and clock.now() - job.due_at > IDLE:
                is_told = True
                click.echo("\nno relay seems to run on this database: the job goes on once one does", err=True)
            await clock.sleep(LOOK_EVERY_S)
            job = await _stands(store, job)
    tell("events", job.searched, job.searched)
    return job


async def _stands(store: Store, job: Replay) -> Replay:
    found = await store.replays.one(job.id)
    if found is None:
        raise click.ClickException(f"the job {job.id} is not kept any more")
    return found


def _show(jobs: Sequence[Replay], *, as_json: bool) -> None:
    if as_json:
        echo_json({"items": [told_replay(job) for job in jobs], "next": None})
    elif jobs:
        click.echo(table(COLUMNS, [_row(job) for job in jobs]))
    else:
        click.echo("no job is kept", err=True)


def _row(job: Replay) -> tuple[str, ...]:
    return (
        job.id,
        job.state.value,
        f"{job.created_at:%Y-%m-%d %H:%M:%S}",
        plain(_filter_in_words(job), 80),
        str(job.per_s),
        f"{job.searched:,}",
        f"{job.replayed:,}",
    )


def _filter_in_words(job: Replay) -> str:
    wanted: Any = told_replay(job)["filter"]
    return " ".join([*(f"{name}={value}" for name, value in wanted.items()), *(["only dead"] if job.only_dead else [])])


def _tell_job(job: Replay, *, as_json: bool) -> None:
    if as_json:
        echo_json(told_replay(job))
        return
    searched = counted(job.searched, "event")
    sent = counted(job.replayed, "delivery", "deliveries")
    so_far = " so far" if job.state is ReplayState.RUNNING else ""
    click.echo(f"{job.id} is {job.state.value}: {searched} searched, {sent} sent again{so_far}")
