"""TLS to a real server: what each way to ask for it promises, and what is told of a server that does not keep it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from relay.errors import StoreUnusable
from relay.store.postgres.store import PostgresStore
from tests.builders import a_plan, an_event
from tests.pairs import opened
from tests.patience import WAIT_S_MAX
from tests.postgres import PASSWORD, Server
from tests.storage import PostgresStorage, postgres_storage

ADDRESS, NAME = "127.0.0.1", "localhost"  # the certificate is the name's alone
BELIEVED = {
    "as it comes": (ADDRESS, ""),
    "asked for": (ADDRESS, "?sslmode=require"),
    "of a known authority": (ADDRESS, "?sslmode=verify-ca&sslrootcert={ours}"),
    "of a known authority, by this name": (NAME, "?sslmode=verify-full&sslrootcert={ours}"),
}
REFUSED = {
    "of another authority": (ADDRESS, "?sslmode=verify-ca&sslrootcert={another}", "unable to get local issuer"),
    "of another, by this name": (NAME, "?sslmode=verify-full&sslrootcert={another}", "unable to get local issuer"),
    "by another name": (ADDRESS, "?sslmode=verify-full&sslrootcert={ours}", "IP address mismatch"),
}
SESSIONS = """
    SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
    WHERE a.datname = current_database() AND a.application_name LIKE 'relay %'"""


@pytest.fixture
def storage(oldest: Server) -> Iterator[PostgresStorage]:
    with postgres_storage(oldest) as storage:
        yield storage


@pytest.fixture(scope="module")
def authorities(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Whom somebody may believe: the server's own authority, and another one."""
    folder = tmp_path_factory.mktemp("authorities")
    files = {"ours": folder / "ours.pem", "another": folder / "another.pem"}
    authority.cert_pem.write_to_path(str(files["ours"]))
    trustme.CA().cert_pem.write_to_path(str(files["another"]))
    return files


def at(storage: PostgresStorage, host: str, query: str, authorities: dict[str, Path]) -> str:
    return storage.url.replace(ADDRESS, host) + query.format(**authorities)


@pytest.mark.parametrize("way", BELIEVED)
async def test_everything_that_is_said_to_the_database_is_encrypted(
    storage: PostgresStorage, authorities: dict[str, Path], way: str
) -> None:
    """Bodies and keys go over it, by each of the connections."""
    url = at(storage, *BELIEVED[way], authorities)
    async with opened(PostgresStorage(url), "worker-a") as store:
        await store.accept(an_event(), a_plan(), {})

        assert [(True,)] == await storage.rows(SESSIONS)


@pytest.mark.parametrize("way", REFUSED)
async def test_who_asks_for_proof_talks_to_no_stranger(
    storage: PostgresStorage, authorities: dict[str, Path], way: str
) -> None:
    """Told in words that say what does not fit; no password was sent, and nothing was made."""
    host, query, expected = REFUSED[way]
    store = PostgresStore(at(storage, host, query, authorities), "worker-a", patience_s=WAIT_S_MAX)

    with pytest.raises(StoreUnusable, match=f"its certificate is not believed: .*{expected}") as told:
        await store.open()
    await store.close()

    assert PASSWORD not in str(told.value)
    assert await storage.is_untouched()


async def test_a_server_without_tls_is_not_talked_to_where_it_is_asked_for(postgres: Server) -> None:
    """It says so, and is not believed to mean well."""
    store = PostgresStore(f"{postgres.url()}?sslmode=require", "worker-a", patience_s=WAIT_S_MAX)

    with pytest.raises(StoreUnusable, match="rejected SSL upgrade"):
        await store.open()
    await store.close()
