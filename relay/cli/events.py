"""`relay events`: find events, newest first."""

import asyncio
from pathlib import Path

import click

from relay.cli.database import opened
from relay.cli.filters import filter_options, note_unknown, patience_option
from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import table
from relay.cli.texts import echo_json, plain
from relay.config import Config
from relay.finding import find_events, time_of
from relay.store.ports.search import EventFilter, EventPage, EventRow
from relay.system_clock import SystemClock
from relay.web.cursors import EVENT_CURSOR, LIMIT_MAX, cursor
from relay.web.telling import told_event_row

COLUMNS = ("received (utc)", "id", "source", "type", "status", "targets")
NAME_CHARACTERS = 40
TARGETS_CHARACTERS = 60
SEARCH = "2s"


def _read_cursor(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else EVENT_CURSOR.read(value)
    except ValueError as misfit:
        raise click.BadParameter(str(misfit)) from misfit


@click.command()
@filter_options
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), default=20, show_default=True, help="At most so many.")
@click.option("--cursor", "after", callback=_read_cursor, help="Go on after a page: its `next`.")
@patience_option(SEARCH)
@json_option
@config_option
def events(
    config_path: Path, wanted: EventFilter, limit: int, after: str | None, patience_s: float, as_json: bool
) -> None:
    """Find events, newest first; all that is given must hold.

    \b
    relay events --source shop --status dead --since 24h
    relay events --text INV-3337

    `relay why ID` tells the story of one. With --json: a page as GET /api/v1/events answers with.
    """
    config = load_or_exit(config_path)
    note_unknown(config, wanted)
    page = asyncio.run(_found(config, wanted, after, limit, patience_s))
    if as_json:
        items = [told_event_row(row) for row in page.events]
        echo_json({"items": items, "next": cursor(page.last), "searched": page.searched})
        return
    if page.events:
        click.echo(events_table(page.events))
    click.echo(_rest(page, limit), err=True)


async def _found(config: Config, wanted: EventFilter, after: str | None, limit: int, patience_s: float) -> EventPage:
    async with opened(config.storage.database) as store:
        return await find_events(store, wanted, after, limit, SystemClock(), patience_s)


def events_table(rows: tuple[EventRow, ...]) -> str:
    """Lay out events in columns."""
    return table(COLUMNS, [event_cells(row) for row in rows])


def event_cells(row: EventRow) -> tuple[str, ...]:
    """Return what stands in an event's columns."""
    targets = ", ".join(f"{target} {status.value}" for target, status in row.deliveries)
    return (
        f"{row.received_at:%Y-%m-%d %H:%M:%S}",
        row.id,
        plain(row.source, NAME_CHARACTERS),
        plain(row.type, NAME_CHARACTERS),
        row.status.value,
        plain(targets, TARGETS_CHARACTERS),
    )


def _rest(page: EventPage, limit: int) -> str:
    """Say what was searched, and how to go on."""
    if page.last is None:
        return f"these are all; {page.searched:,} searched" if page.events else f"none; {page.searched:,} searched"
    back_to = f"{page.searched:,} searched, back to {time_of(page.last):%Y-%m-%d %H:%M:%S} UTC"
    more = f"add --cursor {cursor(page.last)}"
    return f"{back_to}; older ones: {more}" + ("" if len(page.events) == limit else ", or a longer --patience")
