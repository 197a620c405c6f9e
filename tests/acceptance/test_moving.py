"""An installation moves house: `relay migrate`, killed again and again, and the real program in both places."""

import asyncio
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.config import PostgresDatabase, SqliteDatabase
from tests.acceptance.program import RELAY, Program, configured, run, session, started
from tests.acceptance.sink import Sink
from tests.builders import a_plan, an_event
from tests.postgres import Server
from tests.storage import SqliteStorage, Storage, postgres_storage

DELIVERED, WAITING, LATE, FILLED = 30, 80, 20, 2500
KILLS = 8
SEED = 20260703


@dataclass(frozen=True, slots=True)
class Houses:
    """Where it moves from, and where to."""

    origin: Storage
    destination: Storage

    @property
    def urls(self) -> tuple[str, str]:
        """Return what `relay migrate` is given."""
        return url_of(self.origin), url_of(self.destination)


def url_of(storage: Storage) -> str:
    match storage.database():
        case SqliteDatabase(path):
            return f"sqlite:///{path}"
        case PostgresDatabase(url):
            return url.text()


@pytest.fixture(params=["sqlite-to-postgres", "postgres-to-sqlite"])
def houses(request: pytest.FixtureRequest, tmp_path: Path, postgres: Server) -> Iterator[Houses]:
    with postgres_storage(postgres) as storage:
        found: dict[str, Storage] = {"sqlite": SqliteStorage(tmp_path), "postgres": storage}
        origin, _, destination = str(request.param).partition("-to-")
        yield Houses(found[origin], found[destination])


def a_relay(folder: Path, sink: Sink, storage: Storage, name: str) -> Program:
    parts = {
        "storage": {"url": url_of(storage), "disk_free_min": "1MiB"},
        "sources": {"shop": {"verify": "none", "key": "id"}},
        "targets": {"erp": {"url": sink.url, "allow_private": True}},
        "routes": [{"from": "shop", "to": "erp"}],
    }
    return configured(folder, parts, name=name)


async def post(program: Program, keys: range) -> list[tuple[str, str]]:
    """Send events; return each one's (id, status) as it was answered."""
    answers = []
    async with session() as http:
        for key in keys:
            async with http.post(f"{program.url}/in/shop", json={"id": key, "filler": "x" * 2000}) as answer:
                assert 200 == answer.status
                told = await answer.json()
                answers.append((told["id"], told["status"]))
    return answers


async def fill(storage: Storage) -> list[str]:
    """Receive many events for a target that is paused, so that moving them takes a while; return their ids."""
    store, now = storage.store("filler"), datetime.now(UTC)
    await store.open()
    events = [an_event(at=now, body=b"x" * 2000) for _ in range(FILLED)]
    await asyncio.gather(*(store.accept(event, a_plan("erp", at=now), {}) for event in events))
    await store.close()
    return [event.id for event in events]


async def kill_it_again_and_again(houses: Houses) -> None:
    """Begin the move and kill it, at whatever it is doing."""
    moments = random.Random(SEED)
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            *RELAY, "migrate", *houses.urls, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await asyncio.sleep(moments.uniform(0.5, 1.5))
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_house_is_moved_though_the_mover_is_killed_again_and_again(
    tmp_path: Path, sink: Sink, houses: Houses
) -> None:
    """What was delivered is not sent again, what waited arrives once, and a repeat is the same event as before."""
    sink.gate.set()
    arguments = ("migrate", *houses.urls)
    async with started(a_relay(tmp_path, sink, houses.origin, "old")) as old:
        delivered = await post(old, range(DELIVERED))
        await old.is_settled()
        await run("targets", "pause", "erp", "-c", str(old.config))
        await old.has_said("target_changed")
        waiting = await post(old, range(DELIVERED, DELIVERED + WAITING))
        beside = await run(*arguments)
        waiting += await post(old, range(DELIVERED + WAITING, DELIVERED + WAITING + LATE))
        assert 0 == await old.stop()
    filled = await fill(houses.origin)

    await kill_it_again_and_again(houses)
    moved = await run(*arguments)

    assert (1, 0) == (beside[0], moved[0]), beside[1:] + moved[1:]
    assert DELIVERED == len(sink.arrivals)
    async with started(a_relay(tmp_path, sink, houses.destination, "new")) as new:
        repeats = await post(new, range(DELIVERED + WAITING + LATE))
        await run("targets", "resume", "erp", "-c", str(new.config))
        await new.is_settled()

    assert [(event_id, "duplicate") for event_id, _ in delivered + waiting] == repeats
    promised = [*filled, *(event_id for event_id, _ in delivered + waiting)]
    assert sorted(promised) == sorted(arrival.event_id for arrival in sink.arrivals)


async def test_a_relay_does_not_start_in_a_house_half_furnished(tmp_path: Path, sink: Sink, houses: Houses) -> None:
    """It says so in one line, and ends with 2."""
    async with started(a_relay(tmp_path, sink, houses.origin, "old")):
        assert 1 == (await run("migrate", *houses.urls))[0]

    code, _, errors = await run("serve", "-c", str(a_relay(tmp_path, sink, houses.destination, "new").config))

    assert 2 == code
    assert "which has not finished: run that again to its end, then start the relay" in errors.splitlines()[-1]
