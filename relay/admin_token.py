"""The admin port's token where none is configured: made once, kept with the database."""

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path

import structlog

from relay.config import Database, PostgresDatabase, SqliteDatabase
from relay.domain import Secret
from relay.errors import StoreUnusable

TABLE = "relay.kept"

log = structlog.get_logger("relay.admin_token")


async def kept_token(database: Database) -> Secret:
    """Return the token kept with the database; make it the first time. Errors: StoreUnusable."""
    match database:
        case SqliteDatabase(path):
            return await asyncio.to_thread(token_beside, path)
        case PostgresDatabase(url, shown):
            from relay.store.postgres.kept import kept  # noqa: PLC0415

            token, is_new = await kept(url.text(), "admin_token", secrets.token_urlsafe(32))
            if is_new:
                _tell_made(f"{shown}, table {TABLE}")
            return Secret(token)


def token_beside(database: Path) -> Secret:
    """Return the token kept beside a file; make it the first time, readable by its owner alone."""
    path = database.with_name("admin.token")
    try:
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(32) + "\n")
            _tell_made(str(path))
        token = path.read_text().strip()
    except OSError as error:
        raise StoreUnusable(f"no admin token can be kept at {path}: {error.strerror}") from error
    if not token:
        raise StoreUnusable(f"{path} is empty: remove it, and another token is made")
    return Secret(token)


def _tell_made(place: str) -> None:
    log.info("admin_token_made", path=place, next_step="set admin.tokens to choose your own")


def _write_once(path: Path, text: str) -> None:
    """Write a file whole or not at all; where another process was quicker, its file stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
