"""The database of a configuration, opened for one command, whether a relay runs on it or not."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from relay.clock import Clock
from relay.config import Database, SqliteDatabase
from relay.errors import StoreError, StoreUnusable
from relay.store.opening import store_on
from relay.store.protocol import Store
from relay.system_clock import SystemClock


class Unusable(click.ClickException):
    """The database of the configuration is none."""

    exit_code = 2


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Store]:
    """Open a database that is there already: a path is often relative, and a new one would hold nothing.

    Errors: click.ClickException, in words for a person.
    """
    async with opened_with_clock(database) as (store, _):
        yield store


@asynccontextmanager
async def opened_with_clock(database: Database) -> AsyncIterator[tuple[Store, Clock]]:
    """Open a database as `opened` does, with the clock of all who use it: what is planned or told late goes by it."""
    if isinstance(database, SqliteDatabase):
        _require(database.path)
    store, clock = store_on(database, secrets.token_hex(6), SystemClock(), is_frugal=True)
    try:
        await store.open()
        try:
            yield store, clock
        finally:
            await store.close()
    except StoreUnusable as error:
        raise Unusable(str(error)) from error
    except StoreError as error:
        raise click.ClickException(str(error)) from error


def _require(path: Path) -> None:
    if not path.exists():
        where = path.absolute()
        raise click.ClickException(f"there is no database at {where}. Was `relay serve` started in another folder?")
