"""The embedded store: one SQLite file, one writer for each process that uses it, group commit."""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import aiosqlite

from relay.breaker import Breaker
from relay.clock import to_ms
from relay.domain import Delivery, Event, Hold, Lease, Plan, Rate, Receipt
from relay.errors import StoreUnavailable, StoreUnusable
from relay.store.noting import noted
from relay.store.ports.changes import Changes
from relay.store.ports.minutes import Minutes
from relay.store.ports.rejections import Rejections
from relay.store.ports.replays import Replays
from relay.store.ports.search import Search
from relay.store.protocol import EventRecord, LaneState, Settlement
from relay.store.sqlite import reading, rows
from relay.store.sqlite.accepting import Revival, Stored
from relay.store.sqlite.asking import Asking
from relay.store.sqlite.carrying import Abandonment, Claim
from relay.store.sqlite.holding import BreakerChange
from relay.store.sqlite.keeping import Purge
from relay.store.sqlite.liveness import WorkerLocks
from relay.store.sqlite.operating import SqliteChanges, SqliteMinutes, SqliteRejections, SqliteReplays
from relay.store.sqlite.schema import prepare
from relay.store.sqlite.searching import SqliteSearch
from relay.store.sqlite.waking import Bells
from relay.store.sqlite.writer import GroupWriter
from relay.store.texts import breaker_to_json

T = TypeVar("T")

PATIENCE_S = 2.5  # how long a commit waits for another program's lock before its callers hear 503
WAITING_BYTES_MAX = 256 * 1024 * 1024  # of bodies not yet committed
EVENT_BYTES = 1024  # what an event weighs beside its body


class SqliteStore:
    """Fulfils `relay.store.protocol.Store`. Several processes may open the same file.

    worker: this process's name on its leases.
    """

    def __init__(self, path: Path, worker: str, *, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        self._worker = worker
        self._patience_s = patience_s
        self._locks = WorkerLocks(path)
        self._bells = Bells(self._locks, worker)
        self._writer = GroupWriter(path, patience_s, WAITING_BYTES_MAX)
        self._reader: aiosqlite.Connection | None = None
        self._asking = Asking(path, patience_s)
        self._inode = 0
        do, ring = self._writer.do, self._bells.ring
        self.search: Search = SqliteSearch(self._asking)
        self.changes: Changes = SqliteChanges(do, ring)
        self.minutes: Minutes = SqliteMinutes(do, self._asking)
        self.replays: Replays = SqliteReplays(do, self._asking, ring)
        self.rejections: Rejections = SqliteRejections(do, self._asking)

    async def open(self) -> None:
        """Create or migrate the file, and show that this worker lives."""
        await asyncio.to_thread(prepare, self._path, self._patience_s)
        self._inode = self._path.stat().st_ino
        try:
            self._locks.hold(self._worker)
        except OSError as error:
            raise StoreUnusable(f"no lock file can be held beside {self._path}: {error}") from error
        await self._writer.open()
        self._reader = await aiosqlite.connect(self._path, timeout=self._patience_s, isolation_level=None)
        await self._reader.execute("PRAGMA query_only = ON")
        self._asking.open()

    async def close(self) -> None:
        """Commit what waits and let go of the file."""
        await self._writer.close()
        if self._reader is not None:
            await self._reader.close()
            self._reader = None
        await self._asking.close()
        self._bells.close()
        self._locks.drop(self._worker)

    async def until_broken(self) -> None:
        """Come back once closed. Errors: StoreBroken, as soon as the writer is gone."""
        await self._writer.until_broken()

    async def woken(self) -> None:
        """Come back once another process has stored something that may be due."""
        await self._bells.heard()

    async def listeners(self) -> int:
        """Tell how many other processes wait in `woken`."""
        return self._bells.listeners

    async def accept(self, event: Event, plan: Plan, leases: Mapping[int, Lease]) -> Receipt:
        """Store an event with its deliveries, or find it a duplicate."""
        acceptance = rows.acceptance(event, plan, leases)
        stored = await self._writer.do("accept", acceptance, EVENT_BYTES + len(event.body))
        return self._receipt(event, plan, leases, stored)

    async def accept_all(self, batch: Sequence[tuple[Event, Plan, Mapping[int, Lease]]]) -> list[Receipt]:
        """Store several events, all or none."""
        acceptances = [rows.acceptance(event, plan, leases) for event, plan, leases in batch]
        weight_bytes = sum(EVENT_BYTES + len(event.body) for event, _, _ in batch)
        stored = await self._writer.do("accept_all", acceptances, weight_bytes)
        return [self._receipt(*one, of_one) for one, of_one in zip(batch, stored, strict=True)]

    def _receipt(self, event: Event, plan: Plan, leases: Mapping[int, Lease], stored: Stored) -> Receipt:
        """Say what became of an event, and wake those who carry what this process does not."""
        original_id, first_id, queued = stored
        if original_id is not None or len(leases) < len(plan.deliveries):
            self._bells.ring()
        if original_id is not None:
            return Receipt(original_id, is_duplicate=True)
        leased = leases if not queued else [index for index in leases if index not in queued]
        return Receipt(event.id, is_duplicate=False, deliveries=rows.born(event, plan, leased, first_id))

    async def claim(
        self, target: str, lease: Lease, now: datetime, limit: int, bytes_max: int, rate: Rate | None = None
    ) -> list[Delivery]:
        """Lease due deliveries of a target."""
        pace = (rate.count, round(rate.per_s * 1000)) if rate else None
        claim = Claim(target, lease.worker, to_ms(lease.until), to_ms(now), limit, bytes_max, pace)
        return rows.deliveries(await self._writer.do("claim", claim))

    async def settle(self, settlement: Settlement) -> bool:
        """Record an attempt and apply its result."""
        held: bool = await self._writer.do("settle", rows.settled(settlement))
        return held

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        """Give back leases of which no attempt was begun."""
        by_target: dict[str, list[tuple[int, int]]] = {}
        for delivery in deliveries:
            by_target.setdefault(delivery.target, []).append((delivery.id, delivery.attempt))
        for target, fences in by_target.items():
            await self._writer.do("release", (self._worker, target, fences))
        self._bells.ring()

    async def renew(self, until: datetime) -> None:
        """Prolong every lease of this worker."""
        await self._writer.do("renew", (self._worker, to_ms(until)))

    async def abandoned(self, now: datetime, limit: int, bytes_max: int) -> list[Delivery]:
        """List deliveries of workers that died, or that live and overran their lease.

        This process's own are left out: its carriers always come back to settle, however the clock jumps.
        """
        others = await self._ask(reading.leaseholders) - {self._worker}
        expired_at = {worker: to_ms(now) if self._locks.is_alive(worker) else None for worker in sorted(others)}
        if not expired_at:
            return []
        return rows.deliveries(await self._writer.do("abandoned", Abandonment(expired_at, limit, bytes_max)))

    async def replay(self, event_id: str, now: datetime) -> int:
        """Make an event's final deliveries pending again."""
        count: int = await self._writer.do("replay", Revival(event_id, to_ms(now)))
        self._bells.ring()
        return count

    async def note_breaker(self, target: str, before: Breaker, after: Breaker, now: datetime) -> bool:
        """Change what is known of a target's health, unless another process did so first."""

        async def change(stands: str) -> str | None:
            wish = BreakerChange(target, stands, breaker_to_json(after), after.is_tripped)
            instead: str | None = await self._writer.do("note_breaker", (wish, to_ms(now)))
            return instead

        return await noted(before, change)

    async def pause(self, target: str, now: datetime, *, is_paused: bool) -> None:
        """Hold a target's deliveries, or let them go on."""
        await self._writer.do("pause", (target, is_paused, to_ms(now)))

    async def holds(self, target: str) -> tuple[Hold, ...]:
        """Tell when a target's deliveries were held."""
        return await self._ask(reading.holds, target)

    async def next_due(self, targets: Sequence[str]) -> Mapping[str, datetime]:
        """Tell when each target's next pending delivery is due."""
        return await self._ask(reading.next_due, targets)

    async def lanes(self) -> Mapping[str, LaneState]:
        """Tell every target's state."""
        return await self._ask(reading.lanes)

    async def event(self, event_id: str) -> EventRecord | None:
        """Return an event's whole story, or None."""
        return await self._ask(reading.event, event_id)

    async def event_ids(self, after: str, limit: int) -> list[str]:
        """List the ids that follow one."""
        return await self._ask(reading.event_ids, after, limit)

    async def purge(self, before: datetime, now: datetime, limit: int, bytes_max: int) -> bool:
        """Drop old finished events and keys past their window, and give space back."""
        may_be_more: bool = await self._writer.do("purge", Purge(to_ms(before), to_ms(now), limit, bytes_max))
        return may_be_more

    async def probe(self, now: datetime) -> None:
        """Really commit something, to the file that a restart would find."""
        self._require_file()
        await self._writer.do("probe", to_ms(now))

    def free_bytes(self) -> int | None:
        """Return how much room is left beside the file, which must be the one that was opened."""
        self._require_file()
        return shutil.disk_usage(self._path.parent).free

    def _require_file(self) -> None:
        """Insist that what is written now is what a restart would find. Errors: StoreUnavailable."""
        try:
            is_ours = self._path.stat().st_ino == self._inode
        except OSError:
            is_ours = False
        if not is_ours:
            raise StoreUnavailable(f"{self._path} is gone: what is written now would be lost; restore it and restart")

    async def _ask(self, question: Callable[..., Awaitable[T]], *arguments: object) -> T:
        if self._reader is None:
            raise StoreUnavailable("the store is not open")
        try:
            return await question(self._reader, *arguments)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database cannot be read: {error}") from error
