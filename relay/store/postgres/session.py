"""A connection that is made anew when it is lost, with every setting in one place."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from relay.errors import StoreUnavailable
from relay.store.postgres.dialling import Connection, Server, dial
from relay.store.postgres.failures import FAILURES, translated, words_of

SCHEMA = "relay"  # all of our tables are in it: the database may hold others'

SETTINGS: Mapping[str, str] = {
    "search_path": SCHEMA,
    "timezone": "UTC",
    "jit": "off",  # compiling a statement costs more than it takes
    "plan_cache_mode": "force_generic_plan",  # planned once: what is asked is always the same
    "statement_timeout": "60s",  # we give up long before, and the server a while after
    "idle_in_transaction_session_timeout": "10s",  # a machine that fell silent holds nobody up for longer
    "tcp_keepalives_idle": "5",  # seconds; so that the locks of a machine that is gone are free soon
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}

# Statements that find rows by their numbers, and nothing else: by index, whatever the statistics say of an empty table.
BY_INDEX: Mapping[str, str] = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


LOST = (asyncpg.InternalClientError, RuntimeError)  # what writing to, or reading from, a dying connection may raise


class Session:
    """One connection to the primary. Used by one at a time.

    on_lost: called when a connection was lost with a question under way, so that nobody knows what became of it.
    """

    def __init__(
        self, server: Server, purpose: str, settings: Mapping[str, str], on_lost: Callable[[], None] | None = None
    ) -> None:
        self._server = server
        self._settings = {**SETTINGS, **settings, "application_name": f"relay {purpose}"}
        self._on_lost = on_lost or _tell_nobody
        self._connection: Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._is_closed = False

    @asynccontextmanager
    async def used(self, also_s: float = 0.0) -> AsyncIterator[Connection]:
        """Use the connection alone, made anew if need be. also_s: for how much longer than usual.

        Errors: StoreUnavailable, StoreRefused.
        """
        patience_s = self._server.patience_s + also_s
        async with self._one_at_a_time:
            if self._is_closed:
                raise StoreUnavailable("the store is not open")
            with translated():
                async with asyncio.timeout(patience_s):
                    connection = await self._connected()
                with self._bounded(connection, patience_s):
                    try:
                        yield connection
                    except (TimeoutError, asyncio.CancelledError, asyncpg.InterfaceError, OSError):
                        self._drop()  # an answer may still be on its way: nobody would know to which question
                        raise
                    except asyncpg.PostgresError:
                        if connection.is_closed() or await _is_of_a_standby(connection):
                            self._drop()
                        raise
                    except Exception as fault:  # the driver and the event loop have errors of their own for a lost one
                        if not (connection.is_closed() or isinstance(fault, LOST)):
                            raise
                        self._drop()
                        raise ConnectionError(f"the connection was lost: {words_of(fault)}") from fault

    @contextmanager
    def _bounded(self, connection: Connection, patience_s: float) -> Iterator[None]:
        """Break a connection off that takes too long. Errors: TimeoutError.

        Cancelling whoever waits is not enough: they would ask for a rollback, and wait for that answer for ever.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        late = loop.call_at(until_s, connection.terminate)
        try:
            yield
        except FAILURES as fault:
            if loop.time() >= until_s:
                raise TimeoutError from fault
            raise
        finally:
            late.cancel()

    async def close(self) -> None:
        """Let the connection go, for good."""
        self._is_closed = True
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=self._server.patience_s)
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            self._connection = await connect(self._server, self._settings)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
            self._on_lost()


async def connect(server: Server, settings: Mapping[str, str]) -> Connection:
    """Connect to whichever of the URL's hosts takes changes. Errors: `failures.FAILURES`."""
    connection = await dial(server, settings)
    try:
        await connection.execute(_DURABLE)
    except BaseException:
        connection.terminate()  # nobody else knows it yet
        raise
    return connection


# Promise 1, whatever the database's own default is. Where it waits for a standby as well, that is left as it is.
_DURABLE = """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')"""


async def _is_of_a_standby(connection: Connection) -> bool:
    """Tell whether the server takes no changes any more: it may have become a standby. Whoever is in doubt goes."""
    try:
        return bool(await connection.fetchval("SELECT pg_is_in_recovery()", timeout=1))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return True


def _tell_nobody() -> None: ...
