"""What went wrong at the server, told as what it means for those who wait."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from relay.errors import StoreError, StoreRefused, StoreUnavailable

NO_DAY = "no partition of relation"


class Collision(Exception):
    """Another process did something at the same moment; what was asked can be tried again at once."""


class NoPrimary(Exception):
    """No server that we were told of takes changes."""


FAILURES = (Collision, NoPrimary, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, EOFError)
COLLISIONS = (Collision, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
REFUSALS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    ValueError,  # what cannot even be sent: the driver's own DataError is one
)


def is_refusal(fault: BaseException) -> bool:
    """Tell whether the change itself is impossible; anything else may pass."""
    return isinstance(fault, REFUSALS) and not is_missing_day(fault)


def is_missing_day(fault: BaseException) -> bool:
    """Tell whether there is no partition to write to, or to read: another process has dropped the day since."""
    is_unwritable = isinstance(fault, asyncpg.CheckViolationError) and NO_DAY in str(fault)
    return is_unwritable or isinstance(fault, asyncpg.UndefinedTableError)


def error_of(fault: BaseException) -> StoreError:
    """Return the store's own error for a failure."""
    if isinstance(fault, StoreError):
        return fault
    if is_refusal(fault):
        return StoreRefused(f"the database refuses this change: {words_of(fault)}")
    return StoreUnavailable(f"the database does not answer as it should: {words_of(fault)}")


def words_of(fault: BaseException) -> str:
    """Return a failure in one line. The server's own details may repeat what was stored: they are left out."""
    if isinstance(fault, TimeoutError) and not str(fault):
        return "it takes too long"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {fault.verify_message}"
    if isinstance(fault, ssl.SSLError):  # its number is none of the system's
        return f"TLS fails: {fault.reason}"
    if isinstance(fault, OSError) and fault.errno is not None and fault.errno > 0:
        return os.strerror(fault.errno)  # the driver's own words repeat the address, or several
    if isinstance(fault, socket.gaierror):
        return str(fault.strerror)
    first = (str(fault).splitlines() or [""])[0]
    return first or type(fault).__name__


@contextmanager
def translated() -> Iterator[None]:
    """Raise failures as the store's own errors, the cause kept."""
    try:
        yield
    except FAILURES as fault:
        raise error_of(fault) from fault
