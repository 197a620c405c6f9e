"""Finding the primary: every host of the URL is asked at once, so that one that is silent holds nobody up."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.exceptions import TargetServerAttributeNotMatched

from relay.store.postgres.failures import FAILURES, NoPrimary, words_of

STATEMENTS_KEPT = 200  # prepared, in each session
TELLING = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)  # whatever others say

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Dialling: TypeAlias = "asyncio.Task[Connection]"


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is. url: as configured, password included; never shown."""

    url: str
    patience_s: float  # for one answer; after it those who wait hear that the store is unavailable

    @property
    def by_host(self) -> Mapping[str, str]:
        """Return each host's own URL."""
        scheme, _, rest = self.url.partition("://")
        authority, _, database = rest.partition("/")
        user, at, hosts = authority.rpartition("@")
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
    try:
        connection: Connection = await asyncpg.connect(
            url,
            timeout=patience_s,
            statement_cache_size=STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=dict(settings),
            target_session_attrs=SessionAttribute.read_write,
        )
    except TargetServerAttributeNotMatched as fault:
        raise NoPrimary("it takes no changes: it is a standby, or set to be read-only") from fault
    return connection


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
