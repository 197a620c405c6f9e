"""One request to a relay, by the standard library: a command that asks once needs no event loop and no pool."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Timer
from typing import NamedTuple
from urllib.parse import urlsplit


class Said(NamedTuple):
    """What was answered."""

    status: int
    body: bytes


def ask(url: str, patience_s: float, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Said:
    """Send a body, or ask for what is there; return the answer. patience_s: for all of it.

    Errors: OSError, with TimeoutError; also for what is no HTTP.
    """
    parts = urlsplit(url)
    made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = made(parts.hostname or "", parts.port, timeout=patience_s)
    try:
        connection.connect()
        with _bounded(connection.sock, patience_s):
            connection.putrequest("GET" if body is None else "POST", parts.path or "/", skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value.encode("utf-8", "surrogateescape"))
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Said(answer.status, answer.read())
    except HTTPException as error:
        raise OSError("what it said is no HTTP") from error
    finally:
        connection.close()


@contextmanager
def _bounded(sock: socket.socket, patience_s: float) -> Iterator[None]:
    """Hang up on who is too slow, also where each byte comes in time. Errors: TimeoutError."""
    hung_up = Event()

    def hang_up() -> None:
        hung_up.set()
        with suppress(OSError):  # it is closed already
            sock.shutdown(socket.SHUT_RDWR)

    late = Timer(patience_s, hang_up)
    late.daemon = True
    late.start()
    try:
        yield
    except (OSError, HTTPException) as error:
        if hung_up.is_set():
            raise TimeoutError from error
        raise
    finally:
        late.cancel()
    if hung_up.is_set():  # an answer without a length ends where the connection does
        raise TimeoutError
