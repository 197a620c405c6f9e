"""`relay migrate`: move an installation from one database to another."""

import asyncio
import os
import secrets
import sys

import click
import orjson

from relay.cli.database import Unusable
from relay.cli.options import json_option
from relay.cli.progress import shown_progress
from relay.cli.tables import table
from relay.config import Database, database_named
from relay.errors import StoreError, StoreUnusable
from relay.moving import Report, Tell, move
from relay.store.opening import transfer_of
from relay.system_clock import SystemClock

COLUMNS = ("what", "from", "to", "written", "removed", "checksum")


def _read_url(_: click.Context, __: click.Parameter, value: str) -> Database:
    """Read a database's URL. Errors: BadParameter, which never shows it: there may be a password in it."""
    try:
        return database_named(value, os.environ)
    except ValueError as misfit:
        raise click.BadParameter(str(misfit)) from misfit


@click.command()
@click.argument("origin", metavar="FROM", callback=_read_url)
@click.argument("destination", metavar="TO", callback=_read_url)
@json_option
def migrate(origin: Database, destination: Database, as_json: bool) -> None:
    """Move all that the relay holds from the database FROM to the empty database TO.

    \b
    relay migrate sqlite:///data/relay.db 'postgresql://relay:${PGPASSWORD}@db/relay'

    Both are written as storage.url is; ${NAME} and ${file:/path} are read here, so that no password stands on the
    command line. Events with their bodies, deliveries in every state, attempts, keys, pauses and breakers are moved;
    and so are replays, refused requests and the minutes of charts.

    Run it first while the relay works: it copies most, and exits with 1. Then stop the relay and run it again: it
    copies what changed since, and verifies all. If it is ended in between, run it again: it goes on from there.
    FROM is never changed.

    Exit codes: 0 all is moved and verified, 1 it must be run again, 2 wrong usage, or FROM or TO cannot be used.
    """
    try:
        with shown_progress() as tell:
            report = asyncio.run(_move(origin, destination, lambda it: tell(it.section.value, it.done, it.of)))
    except StoreUnusable as error:
        raise Unusable(str(error)) from error
    except StoreError as error:
        raise click.ClickException(
            f"{error}; what was moved is kept: run it again, and it goes on from there"
        ) from error
    click.echo(orjson.dumps(_told(report)) if as_json else _in_words(report, origin, destination))
    sys.exit(1 if report.relay else 0)


async def _move(origin: Database, destination: Database, tell: Tell) -> Report:
    worker = f"migrate-{secrets.token_hex(6)}"
    source, sink = transfer_of(origin, worker), transfer_of(destination, worker)
    try:
        return await move(source, sink, SystemClock(), tell)
    finally:
        await source.close()
        await sink.close()


def _in_words(report: Report, origin: Database, destination: Database) -> str:
    if report.was_finished:
        return f"{destination} was filled from {origin} before, wholly; nothing was done"
    rows = [
        (
            tally.section.value,
            f"{tally.count:,}",
            f"{tally.count_there:,}",
            f"{tally.written:,}",
            f"{tally.removed:,}",
            tally.checksum_there.hex(),
        )
        for tally in report.tallies
    ]
    waiting = f"{report.queues.count:,}"
    rows.append(("queued", waiting if report.relay is None else "", waiting, "", "", report.queues.checksum.hex()))
    return f"{table(COLUMNS, rows)}\n{_verdict(report, origin, destination)}"


def _verdict(report: Report, origin: Database, destination: Database) -> str:
    if report.relay is not None:
        return (
            f"a relay runs on {origin} ({report.relay}), so this is not the whole yet: "
            "stop it, and run this again to finish"
        )
    return f"all is moved to {destination} and verified: set storage.url to it, and start the relay"


def _told(report: Report) -> dict[str, object]:
    return {
        "finished": report.relay is None,
        "was_finished": report.was_finished,
        "relay": report.relay,
        "sections": [
            {
                "section": tally.section.value,
                "from": {"count": tally.count, "checksum": tally.checksum.hex()},
                "to": {"count": tally.count_there, "checksum": tally.checksum_there.hex()},
                "written": tally.written,
                "removed": tally.removed,
            }
            for tally in report.tallies
        ],
        "queued": {"count": report.queues.count, "checksum": report.queues.checksum.hex()},
    }
