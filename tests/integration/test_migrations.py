"""A database's way from one version to the next, on each engine: with its data, and beside older programs."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from relay.errors import StoreUnusable
from relay.store.migrations import Applied, Change, Phase, Step, due, steps_of
from relay.store.postgres import schema as postgres
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Server
from relay.store.postgres.numbers import DAY, day_of, span
from relay.store.sqlite import schema as sqlite
from tests.builders import a_lease, a_plan, an_event, delivered
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.storage import OpenStore, PostgresStorage, Rows, SqliteStorage, Storage, postgres_storage

AT_ONCE = 5
APPLIED = "SELECT number, name, runs_with, is_finished FROM migrations ORDER BY number"
EVENT_ID = f"evt_{round(START.timestamp() * 1000):012x}{'0' * 20}"

ONE = Step(1, "0001_one", 1, "CREATE TABLE one (id integer)")
TWO = Step(2, "0002_two", 1, "CREATE TABLE two (id integer)", "DROP TABLE one")
THREE = Step(3, "0003_three", 3, "CREATE TABLE three (id integer)")


def nobody(_: int) -> str | None:
    return None


def somebody(_: int) -> str | None:
    return "worker-a"


def done(step: Step, *, is_finished: bool = True) -> Applied:
    return Applied(step.number, step.name, step.runs_with, is_finished)


# ── what is due ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_database_goes_every_step_at_once() -> None:
    """Nobody uses it: nothing is to be waited for."""
    expected = (Change(ONE, Phase.BEFORE), Change(TWO, Phase.BEFORE), Change(TWO, Phase.AFTER))

    assert expected == due([ONE, TWO], [], nobody)


def test_the_second_half_of_a_step_waits_for_older_programs_to_end() -> None:
    """They run on beside the new one, which takes their place."""
    assert (Change(TWO, Phase.BEFORE),) == due([ONE, TWO], [done(ONE)], somebody)
    assert () == due([ONE, TWO], [done(ONE), done(TWO, is_finished=False)], somebody)
    assert (Change(TWO, Phase.AFTER),) == due([ONE, TWO], [done(ONE), done(TWO, is_finished=False)], nobody)
    assert () == due([ONE, TWO], [done(ONE), done(TWO)], somebody)


def test_no_step_goes_before_the_one_before_it_is_finished() -> None:
    """Three versions do not share a database."""
    with pytest.raises(StoreUnusable, match=r"older version .*\(worker-a\): stop that one first"):
        due([ONE, TWO, THREE], [done(ONE), done(TWO, is_finished=False)], somebody)


def test_a_program_that_a_newer_schema_runs_with_opens_it() -> None:
    """A roll-back of the program, or the last replica of a rolling upgrade."""
    assert () == due([ONE], [done(ONE), done(TWO, is_finished=False)], nobody)
    with pytest.raises(StoreUnusable, match="newer version"):
        due([ONE, TWO], [done(ONE), done(TWO), done(THREE)], nobody)


# ── on each engine ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Versions:
    """Which steps a program knows that opens the database next."""

    engine: str
    patch: pytest.MonkeyPatch

    @property
    def today(self) -> tuple[Step, ...]:
        return steps_of(self.engine)

    def know(self, steps: Sequence[Step]) -> None:
        """Be another version from now on."""
        for module in ("schema", "store"):
            self.patch.setattr(f"relay.store.{self.engine}.{module}.steps_of", lambda _: steps, raising=False)


@pytest.fixture
def versions(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Versions:
    return Versions("postgres" if isinstance(storage, PostgresStorage) else "sqlite", monkeypatch)


@pytest.fixture
def another(request: pytest.FixtureRequest, storage: Storage, tmp_path: Path) -> Iterator[Storage]:
    """A second database on the same engine."""
    if isinstance(storage, PostgresStorage):
        with postgres_storage(request.getfixturevalue("postgres")) as another:
            yield another
    else:
        yield SqliteStorage(tmp_path / "another")


async def test_the_first_schema_is_brought_up_to_date_with_all_that_is_in_it(
    storage: Storage, versions: Versions, open_store: OpenStore
) -> None:
    """Whoever upgrades keeps every event, and what was still to be delivered is."""
    await make_first_version(storage, versions)
    await put_in_by_first_version(storage)

    versions.know(versions.today)
    store = await open_store("worker-a")
    (claimed,) = await store.claim("erp", a_lease(), START, 10, 10**6)

    assert (EVENT_ID, b"{}", None) == (claimed.event.id, claimed.event.body, claimed.event.secret_number)
    assert await store.settle(delivered(claimed))
    assert 0 == (await store.lanes())["erp"].unfinished
    assert (await store.accept(an_event(key="first"), a_plan(), {})).is_duplicate


async def test_an_upgraded_schema_is_the_same_as_a_new_one(
    storage: Storage, versions: Versions, open_store: OpenStore, another: Storage
) -> None:
    """What is tested on new databases is true of old ones: columns, types, defaults, checks, indexes, partitions."""
    await make_first_version(storage, versions)
    await put_in_by_first_version(storage)
    versions.know(versions.today)
    await open_store("worker-a")
    fresh = another.store("worker-b")
    await fresh.open()
    await fresh.accept(an_event(), a_plan(), {})  # a day is made when an event needs it
    await fresh.close()

    assert await schema_of(another) == await schema_of(storage)
    assert await another.rows(APPLIED) == await storage.rows(APPLIED)


async def test_those_who_start_at_once_run_each_step_once(storage: Storage, versions: Versions) -> None:
    """Ten replicas are started by one command; a step that ran twice would fail."""
    ended = await asyncio.gather(*(opened_by_a_process(storage.url) for _ in range(AT_ONCE)))

    assert [(0, b"")] * AT_ONCE == ended
    assert [(step.number, step.name) for step in versions.today] == [row[:2] for row in await storage.rows(APPLIED)]


async def opened_by_a_process(url: str) -> tuple[int | None, bytes]:
    """Open a database in a process of its own; return its exit code and errors."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", OPEN, url, stderr=subprocess.PIPE)
    async with asyncio.timeout(WAIT_S_MAX):
        _, errors = await process.communicate()
    return process.returncode, errors


OPEN = """
import asyncio, os, sys
from relay.config.models.fields import database
from relay.system_clock import SystemClock
from relay.store.opening import store_on

async def main():
    store, _ = store_on(database(sys.argv[1]), f"worker-{os.getpid()}", SystemClock())
    await store.open()
    await store.close()

asyncio.run(main())
"""


async def test_a_step_is_finished_once_no_older_program_runs(
    storage: Storage, versions: Versions, open_store: OpenStore
) -> None:
    """A rolling upgrade: both versions run side by side, and the database is tidied up after the last old one."""
    old = await open_store("old")
    number = versions.today[-1].number + 1
    following = Step(number, "next", number - 1, "CREATE TABLE added (id integer)", "DROP TABLE added")
    versions.know([*versions.today, following])
    new = await open_store("new")
    beside = await storage.rows(APPLIED)
    await old.accept(an_event(), a_plan(), {})
    await old.close()
    await new.close()
    await open_store("newer")

    assert (number, "next", number - 1, False) == beside[-1]
    assert (number, "next", number, True) == (await storage.rows(APPLIED))[-1]


async def test_a_newer_schema_that_runs_with_this_program_is_used(storage: Storage, open_store: OpenStore) -> None:
    """Going back to the last version after an upgrade that was a mistake needs no backup."""
    await (await open_store("worker-a")).close()
    await storage.execute("INSERT INTO migrations VALUES (99, '0099_future', 1, true)")
    store = await open_store("worker-b")

    await store.accept(an_event(), a_plan(), {})

    assert 1 == (await store.lanes())["erp"].unfinished


# ── the first version, and what a schema is ─────────────────────────────────────────────────────────────────────────


async def make_first_version(storage: Storage, versions: Versions) -> None:
    """Make a database as a program did that knew the first step alone."""
    versions.know(versions.today[:1])
    if isinstance(storage, PostgresStorage):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgres, "mark_of", no_mark)
            await postgres.bring_up_to_date(Server(storage.url, WAIT_S_MAX))
    else:
        assert isinstance(storage, SqliteStorage)
        sqlite.bring_up_to_date(storage.path, WAIT_S_MAX)


async def no_mark(_: object) -> None:
    """Look for no move, as the first version did: it had no table for that."""


async def put_in_by_first_version(storage: Storage) -> None:
    """Store an event that is still to be delivered."""
    if isinstance(storage, PostgresStorage):
        async with storage.connected() as connection:
            await Days().make(connection, [day_of(START)])
        seq, now, in_a_day = span(day_of(START))[0], f"'{START}'::timestamptz", f"'{START + DAY}'::timestamptz"
        text = "convert_to('{}', 'UTF8')"
    else:
        now_ms = round(START.timestamp() * 1000)
        seq, now, in_a_day, text = 1, str(now_ms), str(now_ms + 86_400_000), "CAST('{}' AS BLOB)"
    key = text.replace("{}", "first")
    headers = text.replace("{}", "[]")
    counts = "lane_counts (target, shard, unfinished)" if isinstance(storage, PostgresStorage) else "lanes"
    numbers = "('erp', 0, 1)" if isinstance(storage, PostgresStorage) else "('erp', 1, 0)"
    await storage.execute(
        f"""
        INSERT INTO events (seq, id, source, type, key, key_expires_at, received_at, body_bytes, verdicts)
            VALUES ({seq}, '{EVENT_ID}', 'shop', 'order.paid', {key}, {in_a_day}, {now}, 2, '[]');
        INSERT INTO contents (event_seq, headers, body) VALUES ({seq}, {headers}, {text});
        INSERT INTO deliveries (id, event_seq, route, target, status, planned_at, due_at, deadline_at)
            VALUES ({seq}, {seq}, 'route', 'erp', 'pending', {now}, {now}, {in_a_day});
        INSERT INTO {counts} VALUES {numbers};
        """
    )
    await storage.execute(KEYS[type(storage)].format(seq=seq, id=EVENT_ID, key=key, now=now, until=in_a_day))


KEYS: Mapping[type, str] = {
    SqliteStorage: "INSERT INTO dedupe_keys VALUES ('shop', {key}, {seq}, '{id}', {until})",
    PostgresStorage: "INSERT INTO dedupe_keys VALUES ('shop', {key}, {seq}, '{id}', {now}, {until})",
}


async def schema_of(storage: Storage) -> list[Rows]:
    """Read what a database is made of, without the names that it gave to parts by itself."""
    if isinstance(storage, PostgresStorage):
        return [await storage.rows(statement) for statement in CATALOG]
    return [[(kind, table, as_one_line(sql)) for kind, table, sql in await storage.rows(SQLITE_SCHEMA)]]


def as_one_line(sql: str | None) -> str:
    return " ".join(re.sub(r"--[^\n]*", "", sql or "").split())


SQLITE_SCHEMA = "SELECT type, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1, 2, 3"
OURS = "relnamespace = 'relay'::regnamespace"
CATALOG = (
    f"""SELECT relname, relkind, relpersistence, reloptions::text, pg_get_expr(relpartbound, oid) FROM pg_class
        WHERE {OURS} AND relkind IN ('r', 'p', 'S') ORDER BY 1""",
    f"""SELECT relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attidentity,
            pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE {OURS} AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2""",
    f"""SELECT relname, contype, pg_get_constraintdef(o.oid) FROM pg_constraint o JOIN pg_class c ON c.oid = conrelid
        WHERE {OURS} ORDER BY 1, 2, 3""",
    f"""SELECT c.relname, regexp_replace(pg_get_indexdef(i.oid), 'INDEX \\S+ ON', 'INDEX ON') AS definition
        FROM pg_index x JOIN pg_class c ON c.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
        WHERE c.{OURS} ORDER BY 1, 2""",
)
