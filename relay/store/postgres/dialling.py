"""Finding the primary: every host of the URL is asked at once, so that one that is silent holds nobody up."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.exceptions import ClientConfigurationError, TargetServerAttributeNotMatched

from relay.store.postgres.failures import FAILURES, NoPrimary, words_of

STATEMENTS_KEPT = 200  # prepared, in each session
TELLING = (  # whatever others say
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
)
SYSTEM = "system"
FILES = {"sslrootcert", "sslcert", "sslkey", "sslcrl"}
OF_TLS = {*FILES, "sslmode", "sslpassword"}

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Dialling: TypeAlias = "asyncio.Task[Connection]"


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is. url: as configured, password included; never shown."""

    url: str
    patience_s: float  # for one answer; after it those who wait hear that the store is unavailable

    @property
    def by_host(self) -> Mapping[str, str]:
        """Return each host's own URL. The folder of a socket on this machine is a host, too."""
        scheme, _, rest = self.url.partition("://")
        authority, _, database = rest.partition("/")
        user, at, hosts = authority.rpartition("@")
        if not hosts:
            return {_options(self.url)["host"]: self.url}
        return {host: f"{scheme}://{user}{at}{host}/{database}" for host in hosts.split(",")}


async def dial(server: Server, settings: Mapping[str, str]) -> Connection:
    """Connect to the host that takes changes. Errors: `failures.FAILURES`; NoPrimary says what is wrong with each."""
    asked = {host: asyncio.create_task(_dial(url, server.patience_s, settings)) for host, url in server.by_host.items()}
    chosen = None
    try:
        chosen = await _first_that_connects(asked.values())
    finally:
        _let_go(task for task in asked.values() if task is not chosen)
    if chosen is None:
        raise _why({host: task.exception() for host, task in asked.items()})
    return chosen.result()


async def _first_that_connects(asked: Iterable[Dialling]) -> "Dialling | None":
    waiting = set(asked)
    while waiting:
        answered, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in answered:
            if task.exception() is None:
                return task
    return None


async def _dial(url: str, patience_s: float, settings: Mapping[str, str]) -> Connection:
    url, context = _tls(url)
    try:
        connection: Connection = await asyncpg.connect(
            url,
            ssl=context,
            timeout=patience_s,
            statement_cache_size=STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=dict(settings),
            target_session_attrs=SessionAttribute.read_write,
        )
    except TargetServerAttributeNotMatched as fault:
        raise NoPrimary("it takes no changes: it is a standby, or set to be read-only") from fault
    except ClientConfigurationError as fault:
        raise NoPrimary(f"{words_of(fault)}{_remedy(url)}") from fault
    return connection


def _tls(url: str) -> tuple[str, ssl.SSLContext | None]:
    """Return what the driver is to be told, and its TLS where it knows none such: `system`, as libpq has it.

    Errors: NoPrimary, for files that cannot be read.
    """
    options = _options(url)
    for name in FILES & options.keys() - {name for name, value in options.items() if value == SYSTEM}:
        try:
            Path(options[name]).read_bytes()
        except OSError as fault:
            raise NoPrimary(f"{name}={options[name]}: {words_of(fault)}") from fault
    if options.get("sslrootcert") != SYSTEM:
        return url, None
    context = ssl.create_default_context()
    if "sslcert" in options:
        context.load_cert_chain(options["sslcert"], options.get("sslkey"), options.get("sslpassword", ""))
    left = {name: value for name, value in options.items() if name not in OF_TLS}
    return f"{url.partition('?')[0]}?{urlencode(left)}", context


def _remedy(url: str) -> str:
    """Return what may help where the driver has no use for a URL."""
    options = _options(url)
    if options.get("sslmode", "").startswith("verify-") and "sslrootcert" not in options:
        return "; name it by sslrootcert=FILE, or take this machine's authorities by sslrootcert=system"
    return ""


def _options(url: str) -> Mapping[str, str]:
    """Return what follows the question mark."""
    return dict(parse_qsl(url.partition("?")[2]))


def _let_go(others: Iterable[Dialling]) -> None:
    for task in others:
        task.add_done_callback(_close_late)
        task.cancel()


def _close_late(task: Dialling) -> None:
    """Close a connection that was made all the same, too late to be of use."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def _why(faults: Mapping[str, BaseException | None]) -> BaseException:
    """Return what to raise where no host can be used."""
    known = {host: fault for host, fault in faults.items() if fault is not None}
    for fault in known.values():
        if isinstance(fault, TELLING) or not isinstance(fault, FAILURES):
            return fault
    return NoPrimary("; ".join(f"{host}: {words_of(fault)}" for host, fault in known.items()))
