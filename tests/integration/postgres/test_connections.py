"""The way to the database: whichever host is the primary is found, and what a broken way leaves behind is found too."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from relay.cli import database as commands
from relay.errors import StoreUnavailable, StoreUnusable
from relay.store.ports.search import EventFilter
from relay.store.postgres import dialling
from relay.store.postgres.schema import FRUGAL_SESSIONS, SESSIONS
from relay.store.postgres.session import Session
from relay.store.postgres.store import PostgresStore
from tests.builders import a_lease, a_plan, an_event
from tests.conftest import START
from tests.cutting import Cable, cable_to
from tests.mail import SELF_SIGNED
from tests.patience import WAIT_S_MAX
from tests.ports import free_port
from tests.postgres import PASSWORD, USER, Server
from tests.storage import PostgresStorage, waiting_for

SOON_S = 1.0  # after which an answer that never comes is no longer waited for
SSL_REQUEST_BYTES = 8
STATUSES = "SELECT status, attempts FROM deliveries"


def by(storage: PostgresStorage, server: Server, *ports: int) -> str:
    """Name a database by the ports that may lead to it."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return storage.url.replace(f"127.0.0.1:{server.port}", hosts)


@asynccontextmanager
async def opened(url: str, worker: str = "worker-a") -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, worker, patience_s=WAIT_S_MAX)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def until(storage: PostgresStorage, statement: str, expected: list[tuple[object, ...]]) -> None:
    """Come back once the database answers as expected."""
    async with asyncio.timeout(WAIT_S_MAX):
        while await storage.rows(statement) != expected:
            await asyncio.sleep(0.02)


async def test_a_host_that_is_silent_keeps_nobody_from_the_primary(storage: PostgresStorage, postgres: Server) -> None:
    """A machine that lost its power answers nothing: no timeout of its own comes before the others are asked."""
    async with cable_to(postgres.port) as silent:
        silent.fall_silent()
        async with opened(by(storage, postgres, silent.port, postgres.port)) as store:
            await store.accept(an_event(), a_plan(), {})

            assert 1 == (await store.lanes())["erp"].unfinished


async def test_a_host_that_is_down_is_passed_over(storage: PostgresStorage, postgres: Server) -> None:
    """The primary before a failover, perhaps for ever."""
    async with opened(by(storage, postgres, free_port(), postgres.port)) as store:
        await store.probe(START)


async def test_the_same_server_by_two_names_is_used_once(storage: PostgresStorage, postgres: Server) -> None:
    """Both take changes then; of each connection that was not chosen nothing is left."""
    both = by(storage, postgres, postgres.port, postgres.port).replace("127.0.0.1", "localhost", 1)
    async with opened(both) as store:
        await store.probe(START)
        await until(storage, OURS, [(SESSIONS,)])


OURS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'relay %' AND application_name <> 'relay schema'"""


async def test_who_asks_while_there_is_no_primary_is_told_to_come_again(
    storage: PostgresStorage, postgres: Server
) -> None:
    """In the middle of a failover every host is a standby: 503, and no fault of this program."""
    async with cable_to(postgres.port) as cable, opened(by(storage, postgres, cable.port)) as store:
        await storage.execute(f"ALTER DATABASE {database(storage)} SET default_transaction_read_only = on")
        cable.hang_up()
        with pytest.raises(StoreUnavailable):
            await store.probe(START)
        with pytest.raises(StoreUnavailable, match="takes no changes"):
            await store.probe(START)


def database(storage: PostgresStorage) -> str:
    return storage.url.rpartition("/")[2]


async def test_a_way_that_falls_silent_in_a_commit_keeps_nobody_waiting(
    storage: PostgresStorage, postgres: Server
) -> None:
    """Not even with a rollback that is never answered: whoever waits hears within the store's patience."""
    async with cable_to(postgres.port) as cable, opened(by(storage, postgres, cable.port)) as store:
        cable.fall_silent_after(b"INSERT INTO dedupe_keys")
        with waiting_for(store, SOON_S), pytest.raises(StoreUnavailable, match="takes too long"):
            await store.accept(an_event(), a_plan(), {})

        await come_back(cable)
        await store.accept(an_event(), a_plan(), {})

        assert [(1,)] == await storage.rows("SELECT count(*) FROM events")


async def test_what_a_lost_answer_leased_to_nobody_is_found_and_given_back(
    storage: PostgresStorage, postgres: Server
) -> None:
    """The commit was made, and its answer never came: the delivery is leased to a process that does not know of it."""
    async with cable_to(postgres.port) as cable, opened(by(storage, postgres, cable.port)) as store:
        cable.fall_silent_after(b"COMMIT")
        with waiting_for(store, SOON_S), pytest.raises(StoreUnavailable):
            await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
        await until(storage, f"{STATUSES} WHERE target = 'erp'", [("sending", 1)])

        await come_back(cable)
        await until(storage, f"{STATUSES} WHERE target = 'erp'", [("pending", 0)])


async def test_it_is_found_also_where_the_database_was_away_for_long(
    storage: PostgresStorage, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks at a database that is away see nothing: only those that were answered count."""
    monkeypatch.setattr("relay.store.postgres.store.LOOKS_IN_DOUBT", 2)
    async with cable_to(postgres.port) as cable, opened(by(storage, postgres, cable.port)) as store:
        cable.fall_silent_after(b"COMMIT")
        with waiting_for(store, SOON_S), pytest.raises(StoreUnavailable):
            await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
        await cable.cut()
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                await store._find_strays()

        await come_back(cable)
        await until(storage, f"{STATUSES} WHERE target = 'erp'", [("pending", 0)])


async def come_back(cable: Cable) -> None:
    cable.hang_up()
    await cable.mend()


async def test_a_password_is_in_no_error(postgres: Server) -> None:
    """Errors reach logs, answers and readiness."""
    url = postgres.url().replace(f":{postgres.port}/", f":{free_port()}/")
    store = PostgresStore(url, "worker-a", patience_s=WAIT_S_MAX)
    with pytest.raises(StoreUnavailable) as told:
        await store.probe(START)
    await store.close()

    assert f"{USER}:{PASSWORD}" in url
    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize("fault", [RuntimeError("the handler is closed"), asyncpg.InternalClientError("odd state")])
async def test_whatever_a_dying_connection_raises_is_a_store_that_is_unavailable(
    storage: PostgresStorage, fault: Exception
) -> None:
    """The driver and the event loop have errors of their own for it; a sender must hear 503 for each, never 500."""
    lost: list[str] = []
    session = Session(dialling.Server(storage.url, WAIT_S_MAX), "testing", {}, lambda: lost.append("lost"))

    with pytest.raises(StoreUnavailable):
        async with session.used():
            raise fault
    async with session.used() as connection:
        assert 1 == await connection.fetchval("SELECT 1")
    await session.close()

    assert ["lost"] == lost


@pytest.fixture
async def impostor() -> AsyncIterator[int]:
    """The port of a server that proves to be localhost, whatever it is called."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(SELF_SIGNED)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(SSL_REQUEST_BYTES)
        writer.write(b"S")
        with suppress(OSError):
            await writer.start_tls(context)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_certificate_that_is_not_believed_is_told_and_may_be_mended(impostor: int) -> None:
    """One that runs out at night is renewed in the morning: senders hear 503 until then, and who looks reads why."""
    here = f"0.0.0.0:{impostor}"
    store = PostgresStore(
        f"postgresql://u:p@{here}/relay?sslmode=verify-full&sslrootcert={SELF_SIGNED}",
        "worker-a",
        patience_s=WAIT_S_MAX,
    )
    told = f"{here}: its certificate is not believed: IP address mismatch"

    with pytest.raises(StoreUnavailable, match=told):
        await store.probe(START)
    with pytest.raises(StoreUnusable, match=told):
        await store.open()
    await store.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            "sslmode=verify-full",
            "name it by sslrootcert=FILE, or take this machine's authorities by sslrootcert=system",
        ),
        ("sslmode=verify-full&sslrootcert=/no/such.pem", "sslrootcert=/no/such.pem: No such file or directory"),
        ("sslmode=verify-full&sslrootcert=system", "its certificate is not believed: self-signed certificate"),
        ("sslrootcert=system", "its certificate is not believed: self-signed certificate"),
        ("sslmode=always", "`sslmode` parameter must be one of"),
    ],
)
async def test_what_is_wrong_with_the_options_of_tls_is_told(
    impostor: int, options: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As libpq has them: which certificates are believed, and where they are looked for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    store = PostgresStore(f"postgresql://u:p@localhost:{impostor}/relay?{options}", "worker-a", patience_s=WAIT_S_MAX)

    with pytest.raises(StoreUnusable, match=re.escape(told)):
        await store.open()
    await store.close()


async def test_a_server_on_this_machine_is_reached_by_its_socket(
    storage: PostgresStorage, postgres: Server, tmp_path: Path
) -> None:
    """A distribution's PostgreSQL listens there, and on no port unless it is told to."""
    url = f"postgresql://{USER}:{PASSWORD}@/{database(storage)}?host={tmp_path}"
    async with (
        cable_to(postgres.port) as cable,
        await asyncio.start_unix_server(cable._lead, tmp_path / ".s.PGSQL.5432"),
        opened(url) as store,
    ):
        await store.accept(an_event(), a_plan(), {})

    assert [(1,)] == await storage.rows("SELECT count(*) FROM events")


@pytest.fixture
def crowded(storage: PostgresStorage, postgres: Server) -> Iterator[str]:
    """A database whose owner may have a few connections, and not all that a relay needs."""
    role = f"owner_of_{database(storage)}"
    postgres.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT {SESSIONS - 1}")
    postgres.sql(f"ALTER DATABASE {database(storage)} OWNER TO {role}")
    yield storage.url.replace(f"//{USER}:", f"//{role}:")
    postgres.sql(f"ALTER DATABASE {database(storage)} OWNER TO {USER}")


async def test_a_server_without_room_for_all_connections_is_refused_at_the_start(
    storage: PostgresStorage, crowded: str
) -> None:
    """And not at night, when the first old day is to be dropped; what it had made is given back."""
    store = PostgresStore(crowded, "worker-a", patience_s=WAIT_S_MAX)

    with pytest.raises(StoreUnusable, match=f"the server has no room for {SESSIONS} connections more.*max_connections"):
        await store.open()

    await until(storage, "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'owner_of_%'", [(0,)])


async def test_a_relay_has_as_many_connections_as_is_told(storage: PostgresStorage) -> None:
    """Whoever sets `max_connections` counts by it."""
    async with opened(storage.url):
        assert [(SESSIONS,)] == await storage.rows(OURS)


async def test_a_command_takes_two_of_them(storage: PostgresStorage) -> None:
    """Where a server has few connections, those who are woken at night need some, and not one after the other waits."""
    async with commands.opened(storage.database()) as store:
        event = an_event()
        await store.accept(event, a_plan(), {})
        found, *_ = await asyncio.gather(
            store.search.events(EventFilter(text=event.id), None, 10),
            store.lanes(),
            store.pause("erp", START, is_paused=True),
        )

        assert [event.id] == [row.id for row in found.events]
        assert [(FRUGAL_SESSIONS,)] == await storage.rows(OURS)
