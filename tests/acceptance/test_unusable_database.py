"""A database that cannot be used: one line that says what is wrong and what would help, exit 2, and nothing changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import call, configured, run
from tests.acceptance.sink import Sink
from tests.acceptance.test_lifecycle import parts
from tests.ports import free_port
from tests.postgres import PASSWORD, USER, Server
from tests.storage import PostgresStorage, Storage, postgres_storage

COMMANDS = {"serve": "relay: ", "targets": "Error: "}
RUN = {"serve": run, "targets": call}
GUEST = "guest"

Fault = Callable[[PostgresStorage], tuple[str, str]]


def wrong_password(database: PostgresStorage) -> tuple[str, str]:
    return database.url.replace(PASSWORD, "wrong-password"), 'password authentication failed for user "relay"'


def unknown_database(database: PostgresStorage) -> tuple[str, str]:
    return f"{database.url}_unknown", "does not exist; create it first, owned by the user in storage.url"


def nobody_listens(database: PostgresStorage) -> tuple[str, str]:
    port = free_port()
    return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/relay", f"127.0.0.1:{port}: Connection refused"


def no_such_host(_: PostgresStorage) -> tuple[str, str]:
    return f"postgresql://{USER}:{PASSWORD}@db.invalid/relay", "db.invalid: "


def none_of_several(_: PostgresStorage) -> tuple[str, str]:
    first, second = free_port(), free_port()
    url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{first},127.0.0.1:{second}/relay"
    return url, f"127.0.0.1:{first}: Connection refused; 127.0.0.1:{second}: Connection refused"


def a_guest(database: PostgresStorage) -> tuple[str, str]:
    return database.url.replace(f"//{USER}:", f"//{GUEST}:"), "permission denied for database"


def a_standby(database: PostgresStorage) -> tuple[str, str]:
    return f"{database.url}?default_transaction_read_only=on", "it takes no changes: it is a standby, or set to be"


def no_authority(database: PostgresStorage) -> tuple[str, str]:
    return f"{database.url}?sslmode=verify-full", "or take this machine's authorities by sslrootcert=system"


FAULTS: tuple[Fault, ...] = (
    wrong_password,
    unknown_database,
    nobody_listens,
    no_such_host,
    none_of_several,
    a_guest,
    a_standby,
    no_authority,
)


async def line_of(command: str, folder: Path, sink: Sink, url: str) -> str:
    """Run a command on a database that is none; return the one line that it says."""
    storage: dict[str, Any] = {"url": url}
    code, output, errors = await RUN[command](
        command, "-c", str(configured(folder, parts(sink, storage=storage)).config)
    )
    assert (2, "") == (code, output), errors
    (line,) = errors.splitlines()
    assert line.startswith(COMMANDS[command])
    assert PASSWORD not in line
    print(line)
    return line


@pytest.fixture(scope="module")
def guest(postgres: Server) -> None:
    """A user who may look, and make nothing."""
    postgres.sql(f"CREATE ROLE {GUEST} LOGIN PASSWORD '{PASSWORD}'")


@pytest.mark.usefixtures("guest")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS)
async def test_what_is_wrong_with_a_server_is_told_in_one_line(
    tmp_path: Path, sink: Sink, postgres: Server, command: str, fault: Fault
) -> None:
    """An operator reads it in a container's log, in the middle of a night."""
    with postgres_storage(postgres) as database:
        url, expected = fault(database)

        assert expected in await line_of(command, tmp_path, sink, url)
        assert await database.is_untouched()


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_schema_of_a_newer_version_is_left_as_it_is(
    tmp_path: Path, storage: Storage, sink: Sink, command: str
) -> None:
    """An older image started by mistake after an upgrade must not touch what it does not understand."""
    store = storage.store("worker-a")
    await store.open()
    await store.close()
    await storage.execute("INSERT INTO migrations VALUES (99, '0099_future', 99, true)")
    before = await storage.rows("SELECT * FROM migrations ORDER BY 1")

    line = await line_of(command, tmp_path, sink, storage.url)

    assert "newer version of the relay (its schema has step 0099_future): run that version, or restore" in line
    assert before == await storage.rows("SELECT * FROM migrations ORDER BY 1")


@pytest.mark.usefixtures("guest")
async def test_a_user_who_owns_the_schema_needs_no_more(tmp_path: Path, sink: Sink, postgres: Server) -> None:
    """An administrator makes it, and gives the relay nothing else."""
    with postgres_storage(postgres) as database:
        await database.execute(f"CREATE SCHEMA relay AUTHORIZATION {GUEST}")
        url = database.url.replace(f"//{USER}:", f"//{GUEST}:")
        code, _, errors = await run(
            "targets", "-c", str(configured(tmp_path, parts(sink), storage=PostgresStorage(url)).config)
        )

    assert (0, "") == (code, errors)
