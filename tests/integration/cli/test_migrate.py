"""`relay migrate`: what it says, and with which code it ends."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from relay.store.sqlite.store import SqliteStore
from tests.builders import a_plan, an_event
from tests.histories import History

Call = Callable[..., Result]

FROM, TO = "sqlite:///a.db", "sqlite:///b.db"


async def _received(path: Path, count: int) -> None:
    store = SqliteStore(path, "worker-a")
    await store.open()
    for _ in range(count):
        await store.accept(an_event(), a_plan(order="one"), {})
    await store.close()


@pytest.fixture
def origin(folder: Path) -> Path:
    """Make a database in which three events wait for each other."""
    path = folder / "a.db"
    asyncio.run(_received(path, 3))
    return path


def test_what_was_moved_is_told_with_counts_and_checksums(call: Call, origin: Path) -> None:
    """The operator sees that both hold the same, and what to do next."""
    result = call("migrate", FROM, TO)

    assert 0 == result.exit_code
    lines = result.stdout.splitlines()
    assert "WHAT        FROM  TO  WRITTEN  REMOVED  CHECKSUM" == lines[0]
    assert ["events", "3", "3", "3", "0"] == lines[1].split()[:5]
    assert ["queued", "3", "3"] == lines[7].split()[:3]
    assert "all is moved to b.db and verified: set storage.url to it, and start the relay" == lines[8]


def test_progress_is_told_on_standard_error(call: Call, origin: Path) -> None:
    """What reads the output is not disturbed; where there is no terminal, a line says how far it is."""
    held = {"events": 3, "keys": 3, "lanes": 0, "replays": 0, "rejections": 0, "minutes": 0}

    told = call("migrate", FROM, TO).stderr.splitlines()

    assert [f"{what}: 0 of {count}" for what, count in held.items()] == told


def test_a_program_reads_json(call: Call, origin: Path) -> None:
    """Counts and checksums of both, section by section."""
    told = json.loads(call("migrate", FROM, TO, "--json").stdout)

    assert told["finished"]
    sections = ["events", "keys", "lanes", "replays", "rejections", "minutes"]
    assert sections == [section["section"] for section in told["sections"]]
    assert told["sections"][0]["from"] == told["sections"][0]["to"]
    assert 3 == told["sections"][0]["from"]["count"] == told["queued"]["count"]


def test_a_pass_beside_a_relay_ends_with_1_and_says_what_to_do(call: Call, origin: Path) -> None:
    """Not moved wholly is not done, and a script must see it."""

    async def beside_a_relay() -> Result:
        store = SqliteStore(origin, "worker-a")
        await store.open()
        try:
            return await asyncio.to_thread(call, "migrate", FROM, TO)
        finally:
            await store.close()

    result = asyncio.run(beside_a_relay())

    assert 1 == result.exit_code
    expected = "a relay runs on a.db (worker-a), so this is not the whole yet: stop it, and run this again to finish"
    assert expected == result.stdout.splitlines()[-1]


def test_a_finished_move_is_not_done_again(call: Call, origin: Path) -> None:
    """It would undo what came since."""
    call("migrate", FROM, TO)
    result = call("migrate", FROM, TO)

    assert 0 == result.exit_code
    assert "b.db was filled from a.db before, wholly; nothing was done\n" == result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((FROM, FROM), "are the same database"),
        (("sqlite:///none.db", TO), "there is no database at"),
        ((FROM, "mysql://u:s3cret@h/d"), "Invalid value for 'TO': expected sqlite:///PATH"),
        ((FROM, "postgresql://u:${NOWHERE}@h/d"), "the environment variable NOWHERE is not set"),
        ((FROM, "postgresql://u:s3cret@127.0.0.1:9/d"), "no server of storage.url can be used"),
        (("sqlite:///config/relay.yaml", TO), "cannot be read as the relay's database"),
    ],
)
def test_what_cannot_be_moved_is_said_in_a_line(
    call: Call, origin: Path, folder: Path, arguments: tuple[str, str], words: str
) -> None:
    """Wrong usage ends with 2, shows no password, and nothing is changed."""
    result = call("migrate", *arguments)

    assert 2 == result.exit_code
    assert words in result.stderr
    assert "s3cret" not in result.output
    assert not (folder / "b.db").exists()
    assert "Traceback" not in result.output


def test_a_password_stands_in_the_environment(call: Call, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists processes sees the command line."""
    monkeypatch.setenv("PLACE", "elsewhere.db")

    assert 0 == call("migrate", FROM, "sqlite:///${PLACE}").exit_code
    assert (origin.parent / "elsewhere.db").exists()


def test_no_room_is_seen_before_anything_is_changed(
    call: Call, origin: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is filled to its end stops others, too."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Full)
    result = call("migrate", FROM, TO)

    assert 2 == result.exit_code
    assert "there is no room: about" in result.stderr
    assert not (folder / "b.db").exists()


class _Full:
    free = 100


def test_a_disk_that_fills_meanwhile_is_told_and_what_was_moved_is_kept(
    call: Call, origin: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run goes on from there."""
    settings = ("PRAGMA max_page_count = 40",)
    monkeypatch.setattr("relay.store.sqlite.transfer.SETTINGS", settings)
    asyncio.run(_received_large(origin))
    result = call("migrate", FROM, TO)
    monkeypatch.undo()
    monkeypatch.chdir(folder)

    assert 1 == result.exit_code
    assert "database or disk is full; what was moved is kept: run it again" in result.stderr
    assert 0 == call("migrate", FROM, TO).exit_code


async def _received_large(path: Path) -> None:
    store = SqliteStore(path, "worker-a")
    await store.open()
    history = History(store, "worker-a", 1)
    for _ in range(4):
        await store.accept(an_event(body=history.chance.randbytes(400_000)), a_plan(), {})
    await store.close()


def test_a_file_of_another_program_is_not_filled(call: Call, origin: Path, folder: Path) -> None:
    """Whatever is in it was not empty."""
    with closing(sqlite3.connect(folder / "b.db")) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
    result = call("migrate", FROM, TO)

    assert 2 == result.exit_code
    assert "is not empty" in result.stderr
