"""`relay tail`: events as they come, and requests as they are refused."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import click

from relay.cli.database import opened_with_clock
from relay.cli.events import NAME_CHARACTERS, event_cells
from relay.cli.filters import filter_options, note_unknown
from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import coloured
from relay.cli.texts import echo_json, plain
from relay.clock import Clock
from relay.config import Config
from relay.following import Following
from relay.store.ports.rejections import RejectionRow
from relay.store.ports.search import EventFilter, EventRow
from relay.web.telling import told_event_row, told_rejection_row

LOOK_EVERY_S = 0.5
Row = EventRow | RejectionRow
BACK = timedelta(minutes=5)  # where nothing else is asked for, this much of the past is shown first


@click.command()
@filter_options
@click.option("--count", type=click.IntRange(min=1), help="End after so many lines, instead of by Ctrl-C.")
@json_option
@config_option
def tail(config_path: Path, wanted: EventFilter, count: int | None, as_json: bool) -> None:
    """Show events as they come, oldest first, and requests as they are refused.

    \b
    relay tail --source shop
    relay tail --json --since 1h | jq .id

    End it with Ctrl-C. It begins with the last five minutes, or at --since. Refused requests are shown unless something
    else than a source is asked for. With --json: a line for each, as the items of GET /api/v1/events, or of rejections,
    with their `what`.
    """
    config = load_or_exit(config_path)
    note_unknown(config, wanted)
    try:
        asyncio.run(_follow(config, wanted, count, _told if as_json else _shown))
    except KeyboardInterrupt:
        return


async def _follow(config: Config, wanted: EventFilter, count: int | None, tell: Callable[[Row], None]) -> None:
    async with opened_with_clock(config.storage.database) as (store, clock):
        following = Following(store, wanted, wanted.since or clock.now() - BACK)
        async with aclosing(_all(following, clock)) as news:
            told = 0
            async for row in news:
                tell(row)
                told += 1
                if told == count:
                    return


async def _all(following: Following, clock: Clock) -> AsyncGenerator[Row, None]:
    while True:
        for row in await following.look():
            yield row
        await clock.sleep(LOOK_EVERY_S)


def _told(row: Row) -> None:
    if isinstance(row, EventRow):
        echo_json({"what": "event", **told_event_row(row)})
    else:
        echo_json({"what": "rejection", **told_rejection_row(row)})


def _shown(row: Row) -> None:
    if isinstance(row, EventRow):
        at, event_id, source, event_type, status, targets = event_cells(row)
        click.echo("  ".join((at, event_id, source, event_type, coloured(status), targets)).rstrip())
        return
    number = f"refused {row.number}"
    at, source = f"{row.received_at:%Y-%m-%d %H:%M:%S}", plain(row.source, NAME_CHARACTERS)
    click.echo(f"{at}  {number:36}  {source}  {coloured('refused')}  {row.refusal.value}")
