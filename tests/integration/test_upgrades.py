"""Replicas upgraded one by one on PostgreSQL: what older programs cannot live with waits until the last is gone."""

import pytest

from relay.store.migrations import Step, steps_of
from tests.conftest import START
from tests.postgres import Server
from tests.storage import PostgresStorage, postgres_storage

NOW = steps_of("postgres")
LATER = Step(
    98, "0098_later", NOW[-1].number, "CREATE TABLE later (id bigint)", "ALTER TABLE later ADD COLUMN last bigint"
)


def upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make whatever is opened from now on a program that knows a step more."""
    for module in ("schema", "store"):
        monkeypatch.setattr(f"relay.store.postgres.{module}.steps_of", lambda _: (*NOW, LATER))


async def is_finished(storage: PostgresStorage) -> bool:
    ((is_finished,),) = await storage.rows("SELECT is_finished FROM migrations WHERE number = 98")
    return bool(is_finished)


async def test_the_leader_runs_what_waited_once_the_last_older_program_is_gone(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to remember it: retention looks after it, and never while an older replica works."""
    with postgres_storage(postgres) as storage:
        old = storage.store("worker-old")
        await old.open()
        upgrade(monkeypatch)
        new = storage.store("worker-new")
        await new.open()
        await new.purge(START, START, 10, 10)
        assert not await is_finished(storage)

        await old.close()
        await new.purge(START, START, 10, 10)

        assert await is_finished(storage)
        assert [("last",)] == await storage.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'later' AND column_name = 'last'"
        )
        await new.close()


async def test_a_replica_that_does_not_lead_leaves_it(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One does so for all: two would wait for each other's locks."""
    with postgres_storage(postgres) as storage:
        old = storage.store("worker-old")
        await old.open()
        await old.purge(START, START, 10, 10)
        upgrade(monkeypatch)
        new = storage.store("worker-new")
        await new.open()

        assert not await new.purge(START, START, 10, 10)
        assert not await is_finished(storage)
        await new.close()
        await old.close()
