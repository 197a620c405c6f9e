"""Which processes live: each holds an advisory lock while it is connected, and counts up a number while it turns.

Who neither holds its lock nor counts for a while is gone, and others take over what it held. Who is only cut off from
the database for a moment, as all are when it restarts, is back before anybody has watched it for that long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from relay.errors import StoreError
from relay.store.postgres.dialling import Connection
from relay.store.postgres.locks import LEADER, WORKER, number_of
from relay.store.postgres.rows import Record
from relay.store.postgres.session import Session

log = structlog.get_logger("relay.store")

BEAT_S = 1.0
SILENT_S = 5.0  # after which one without its lock is taken for gone
RUNG = "relay_rung"  # the channel on which those who wait are woken
DEAF_S = 0.01  # between two rings of ours: what is to be told meanwhile is told then
RECONNECT_S = 0.5


@dataclass(slots=True)
class Watched:
    """Another process, as this one has seen it."""

    beat: int
    since_s: float  # when its number was last seen to change, or its lock to be held


class Liveness:
    """Our process among all that use the database. duty: done with each beat, on whatever connection it likes."""

    def __init__(self, session: Session, worker: str, step: int, duty: Callable[[], Awaitable[None]]) -> None:
        self._session = session
        self._worker = worker
        self._step = step
        self._duty = duty
        self._connection: Connection | None = None  # the one that holds our lock and listens
        self._lock = number_of(worker)
        self._is_locked = False
        self._is_listening = False
        self._watched: dict[str, Watched] = {}
        self._rung = asyncio.Event()
        self._must_ring = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Show that this process lives. Errors: StoreUnavailable."""
        await self._beat()
        self._tasks = [
            asyncio.create_task(self._keep_beating(), name="beat"),
            asyncio.create_task(self._keep_ringing(), name="ring"),
        ]

    async def close(self) -> None:
        """Show that this process is done: what it still held is free at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with self._session.used() as connection:
                await connection.execute("DELETE FROM workers WHERE name = $1", self._worker)
        except StoreError:  # others find out
            pass
        await self._session.close()

    async def heard(self) -> None:
        """Come back once another process has rung."""
        if not self._is_listening:
            self._is_listening = True
            await self._beat()
        await self._rung.wait()
        self._rung.clear()

    def ring(self) -> None:
        """Wake every process that listens: soon, and once for all who ask for it until then."""
        self._must_ring.set()

    async def listeners(self) -> int:
        """Count the others that listen and hold their locks."""
        async with self._session.used() as connection:
            rows = await connection.fetch(_LISTENERS, WORKER, self._worker)
        return sum(row["is_held"] for row in rows)

    async def gone(self, workers: Sequence[str]) -> Mapping[str, bool]:
        """Tell of each of these workers whether it is gone."""
        async with self._session.used() as connection:
            rows = {row["name"]: row for row in await connection.fetch(_SEEN, WORKER, list(workers))}
        now_s = monotonic()
        self._watched = {name: watched for name, watched in self._watched.items() if name in rows}
        return {worker: worker not in rows or self._is_silent(worker, rows[worker], now_s) for worker in workers}

    def _is_silent(self, worker: str, row: Record, now_s: float) -> bool:
        """Tell whether a worker without its lock has been watched in vain for long enough."""
        watched = self._watched.setdefault(worker, Watched(row["beat"], now_s))
        if row["is_held"] or watched.beat != row["beat"]:
            watched.beat, watched.since_s = row["beat"], now_s
        return now_s - watched.since_s >= SILENT_S

    async def _keep_beating(self) -> None:
        is_well = True
        while True:
            await asyncio.sleep(BEAT_S if is_well else RECONNECT_S)
            try:
                await self._beat()
                await self._duty()
                if not is_well:
                    log.info("database_is_back")
                is_well = True
            except StoreError as error:
                if is_well:
                    log.warning("database_away", error=str(error), next_step="tried again twice a second")
                is_well = False

    async def _beat(self) -> None:
        """Count up. On a new connection, take our lock and listen again; what was rung meanwhile may be missed."""
        async with self._session.used() as connection:
            if connection is not self._connection:
                self._watched.clear()  # who was not to be seen may have been cut off as we were
                await connection.add_listener(RUNG, self._hear)
                self._connection, self._is_locked = connection, False
                self._rung.set()
            if not self._is_locked:  # a connection of ours that the server does not know to be dead may still hold it
                self._is_locked = await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", WORKER, self._lock)
            await connection.execute(_BEAT, self._worker, self._lock, self._is_listening, self._step)

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload != self._worker:
            self._rung.set()

    async def _keep_ringing(self) -> None:
        while True:
            await self._must_ring.wait()
            self._must_ring.clear()
            try:
                async with self._session.used() as connection:
                    await connection.execute("SELECT pg_notify($1, $2)", RUNG, self._worker)
            except StoreError:  # a hint and no promise: whoever listens looks by itself
                pass
            await asyncio.sleep(DEAF_S)

    async def prolong(self, until: object) -> None:
        """Prolong every lease of this process."""
        async with self._session.used() as connection:
            await connection.execute("UPDATE workers SET renewed_until = $2 WHERE name = $1", self._worker, until)

    async def leads(self) -> bool:
        """Tell whether this process looks after what one does for all: the first who asks, while it is connected."""
        async with self._session.used() as connection:
            is_ours = await connection.fetchval(_LEADS, LEADER)
            return is_ours or bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, 0)", LEADER))


_BEAT = """
    INSERT INTO workers (name, lock_number, is_listening, schema_step) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE
    SET beat = workers.beat + 1, seen_at = now(), is_listening = excluded.is_listening"""

_OURS = """
    l.locktype = 'advisory' AND l.granted AND l.classid = $1::int
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""

_IS_HELD = f"EXISTS (SELECT FROM pg_locks l WHERE {_OURS} AND l.objid = w.lock_number)"

_LISTENERS = f"SELECT {_IS_HELD} AS is_held FROM workers w WHERE w.is_listening AND w.name <> $2"

_SEEN = f"SELECT w.name, w.beat, {_IS_HELD} AS is_held FROM workers w WHERE w.name = ANY ($2)"

_LEADS = f"SELECT EXISTS (SELECT FROM pg_locks l WHERE {_OURS} AND l.objid = 0 AND l.pid = pg_backend_pid())"
