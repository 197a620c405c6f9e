"""The admin token that is made where none is configured."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from relay.admin_token import kept_token, token_beside
from relay.config import PostgresDatabase
from relay.domain import Secret
from relay.errors import StoreUnusable
from tests.postgres import Server
from tests.storage import postgres_storage


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """No token configured: one is made, never none; and restarts keep it."""
    first = token_beside(tmp_path / "relay.db")

    assert first == token_beside(tmp_path / "relay.db")
    assert len(first.text()) >= 32
    assert 0o600 == (tmp_path / "admin.token").stat().st_mode & 0o777


def test_processes_that_start_together_make_one(tmp_path: Path) -> None:
    """Several replicas on one folder: the slower ones take the first one's."""
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(lambda _: token_beside(tmp_path / "relay.db"), range(8)))

    assert 1 == len(set(tokens))


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    """A crash while it was written must not leave the API open to `Bearer` with nothing behind it."""
    (tmp_path / "admin.token").write_text("\n")

    with pytest.raises(StoreUnusable, match="is empty: remove it"):
        token_beside(tmp_path / "relay.db")


async def test_replicas_on_one_database_have_one_token(postgres: Server) -> None:
    """Whichever replica an operator reaches, the token that was made opens it."""
    with postgres_storage(postgres) as storage:
        store = storage.store("worker-a")
        await store.open()
        database = PostgresDatabase(Secret(storage.url), "postgresql://somewhere/relay")
        tokens = await asyncio.gather(*(kept_token(database) for _ in range(4)))
        await store.close()

    assert 1 == len(set(tokens))
    assert len(tokens[0].text()) >= 32
