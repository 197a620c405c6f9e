"""`relay migrate-schema`: bring the database's schema up to date, or say what that would do."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from relay.cli.database import Unusable
from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import table
from relay.config import Database
from relay.errors import StoreError, StoreUnusable
from relay.store.migrations import Half
from relay.store.opening import bring_up_to_date, schema_of


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where something is pending.")
@json_option
@config_option
def migrate_schema(config_path: Path, check: bool, as_json: bool) -> None:
    """Bring the schema of the configured database up to date, and tell each step.

    \b
    relay migrate-schema            what `relay serve` would do at its start
    relay migrate-schema --check    change nothing: may the new version start beside the old one?

    A step has a half for before, while older programs may still run, and some have one for after, which waits until
    none does; a relay that runs looks after that by itself.

    Exit codes: 0 done, or nothing is pending; 1 with --check: something is; 2 the database is of a newer version.
    """
    database = load_or_exit(config_path).storage.database
    before = _halves(database)
    if not check and any(not half.is_applied for half in before):
        try:
            asyncio.run(bring_up_to_date(database))
        except StoreError as error:
            raise click.ClickException(str(error)) from error
    after = before if check else _halves(database)
    rows = [_told(half, was.is_applied) for half, was in zip(after, before, strict=True)]
    if as_json:
        click.echo(orjson.dumps(rows))
    else:
        click.echo(table(("step", "half", "state"), [tuple(row.values()) for row in rows]))
    sys.exit(1 if check and _is_pending(after) else 0)


def _halves(database: Database) -> Sequence[Half]:
    try:
        return asyncio.run(schema_of(database))
    except StoreUnusable as error:
        raise Unusable(str(error)) from error


def _is_pending(halves: Sequence[Half]) -> bool:
    return any(not half.is_applied for half in halves)


def _told(half: Half, was_applied: bool) -> dict[str, str]:
    return {"step": half.change.step.name, "half": half.change.phase.value, "state": _state(half, was_applied)}


def _state(half: Half, was_applied: bool) -> str:
    if half.is_applied:
        return "applied" if was_applied else "applied now"
    return f"pending, until no older program runs ({half.waits_for})" if half.waits_for else "pending"
