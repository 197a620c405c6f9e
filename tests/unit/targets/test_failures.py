"""What went wrong, in words of our own."""

import errno
import socket
import ssl

import pytest
from aiohttp import ClientConnectorDNSError, ClientConnectorError, ClientOSError, InvalidURL
from aiohttp.client_reqrep import ConnectionKey

from relay.domain import Outcome
from relay.errors import AddressBlocked
from relay.targets.failures import explain

KEY = ConnectionKey("erp.example", 443, True, True, None, None, None)
URL = "https://u:s3cret@erp.example/?key=s3cret"


def failing(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (ClientConnectorError(KEY, AddressBlocked("no")), Outcome.BLOCKED, "no"),
        (TimeoutError(), Outcome.TIMED_OUT, "no answer within 15 s"),
        (
            ClientConnectorDNSError(KEY, socket.gaierror(-2, "Name or service not known")),
            Outcome.UNREACHABLE,
            "its name leads to no address: Name or service not known",
        ),
        (
            ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "Connect call failed")),
            Outcome.UNREACHABLE,
            "no connection: No route to host",
        ),
        (
            ClientConnectorError(KEY, OSError("Multiple exceptions: one, two")),
            Outcome.UNREACHABLE,
            "no connection: Multiple exceptions: one, two",
        ),
        (
            ClientConnectorError(KEY, ConnectionResetError()),
            Outcome.UNREACHABLE,
            "no connection: closed by the target",
        ),
        (
            ClientOSError(errno.EPIPE, f"Can not write request body for {URL}"),
            Outcome.UNREACHABLE,
            "the connection broke: Broken pipe",
        ),
        (
            ClientOSError(None, f"Can not write request body for {URL}"),
            Outcome.UNREACHABLE,
            "the connection broke: closed by the target",
        ),
        (
            failing(ClientOSError(1, "[SSL] alert"), ssl.SSLError(1, "[SSL] alert")),
            Outcome.UNREACHABLE,
            "TLS failed: broken off",
        ),
        (OSError(errno.EMFILE, "x"), Outcome.UNREACHABLE, "the connection broke: Too many open files"),
        (InvalidURL(URL), Outcome.ERRORED, "the request could not be made (InvalidURL)"),
        (RuntimeError(URL), Outcome.ERRORED, "the request could not be made (RuntimeError)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_failure_has_an_outcome_and_words(error: Exception, outcome: Outcome, words: str) -> None:
    """What is read at night must name the stage and the reason, and never repeat what the library says of the URL."""
    assert (outcome, words) == explain(error, 15.0)
