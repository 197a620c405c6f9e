"""What is said of a server, and of what goes wrong with it."""

import errno
import socket

import asyncpg
import pytest

from relay.errors import StoreUnusable
from relay.store.postgres.dialling import Server
from relay.store.postgres.failures import words_of
from relay.store.postgres.schema import VERSION_NEEDED, require_version


def test_a_server_that_is_too_old_is_refused_with_what_is_needed() -> None:
    """Its own errors would be about syntax."""
    with pytest.raises(StoreUnusable, match=rf"the server is PostgreSQL 12; {VERSION_NEEDED} or newer is needed"):
        require_version(12)


@pytest.mark.parametrize("major", [VERSION_NEEDED, 16, 18])
def test_a_server_that_is_new_enough_is_taken(major: int) -> None:
    """Versions that do not exist yet are trusted, too."""
    require_version(major)


def test_each_host_of_a_url_has_a_url_of_its_own() -> None:
    """All of them are asked at once, with the same user, database and settings."""
    server = Server("postgresql://me:p%40ss@one,two:5433,[::1]:5434/relay?sslmode=require", 1.0)

    assert {
        "one": "postgresql://me:p%40ss@one/relay?sslmode=require",
        "two:5433": "postgresql://me:p%40ss@two:5433/relay?sslmode=require",
        "[::1]:5434": "postgresql://me:p%40ss@[::1]:5434/relay?sslmode=require",
    } == server.by_host


def test_the_folder_of_a_socket_is_a_host() -> None:
    """On the machine of the database itself."""
    url = "postgresql://me@/relay?host=/run/postgresql"

    assert {"/run/postgresql": url} == Server(url, 1.0).by_host


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (TimeoutError(), "it takes too long"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 5432)"), "Connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (asyncpg.UniqueViolationError("duplicate key\nDETAIL: a secret"), "duplicate key"),
        (EOFError(), "EOFError"),
    ],
)
def test_a_failure_is_told_in_one_line_without_what_was_stored(fault: BaseException, words: str) -> None:
    """The server's details may repeat a customer's invoice."""
    assert words == words_of(fault)
