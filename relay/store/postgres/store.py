"""The shared store: one PostgreSQL database, any number of processes on any number of machines."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import TypeVar

import asyncpg

from relay.breaker import Breaker
from relay.domain import Delivery, Event, Hold, Lease, Plan, Rate, Receipt
from relay.errors import StoreUnavailable, StoreUnusable
from relay.store.choosing import within
from relay.store.migrations import steps_of
from relay.store.noting import noted
from relay.store.ports.changes import Changes
from relay.store.ports.minutes import Minutes
from relay.store.ports.rejections import Rejections
from relay.store.ports.replays import Replays
from relay.store.ports.search import Search
from relay.store.postgres import holding, keeping, reading
from relay.store.postgres.accepting import Acceptance, Accepting, Stored
from relay.store.postgres.carrying import Carrying, Claim, Fence, load
from relay.store.postgres.changing import Changing
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Server
from relay.store.postgres.groups import Groups
from relay.store.postgres.holding import BreakerChange
from relay.store.postgres.keeping import Purge
from relay.store.postgres.liveness import Liveness
from relay.store.postgres.locks import number_of
from relay.store.postgres.numbers import Numbering
from relay.store.postgres.operating import PostgresChanges, PostgresMinutes, PostgresRejections, PostgresReplays
from relay.store.postgres.schema import ENGINE, finish_steps, prepare, why_unusable
from relay.store.postgres.searching import PostgresSearch
from relay.store.postgres.servertime import ServerClock
from relay.store.postgres.session import BY_INDEX, Session
from relay.store.postgres.tallies import SHARDS
from relay.store.postgres.unfinished import unfinished
from relay.store.postgres.way import Verb, Way
from relay.store.protocol import EventRecord, LaneState, Settlement
from relay.store.texts import breaker_to_json

T = TypeVar("T")

ACCEPTING_WAYS = 2  # one is made while the other waits for the server
PATIENCE_S = 2.5  # how long a commit may take before its callers hear 503
STEP_ALSO_S = 30.0  # for a step of retention
CLAIM_ALSO_S = 10.0  # for what a claim brings: large bodies, over a slow network
WAITING_BYTES_MAX = 256 * 1024 * 1024  # of bodies not yet committed
EVENT_BYTES = 1024  # what an event weighs beside its body
LOOKED_EVERY_S = 15.0  # for what the database says that we hold and we do not know of
LOOKS_IN_DOUBT = 15  # after a connection was lost, one with each beat: its last commit may take a while to show


class PostgresStore:
    """Fulfils `relay.store.protocol.Store`. Any number of processes may use the same database.

    worker: this process's name on its leases. clock: what its callers live by, kept right from when it is open; None:
    they have one of their own, which stands for the server's. is_frugal: everything but liveness shares one connection,
    for a process that does one thing after another.
    """

    def __init__(
        self,
        url: str,
        worker: str,
        clock: ServerClock | None = None,
        *,
        patience_s: float = PATIENCE_S,
        is_frugal: bool = False,
    ) -> None:
        self._server = Server(url, patience_s)
        self._worker = worker
        self._clock = clock
        self._days = Days()
        self._numbering = Numbering()
        self._held: set[Fence] = set()  # what is leased to us, by all that we know
        self._unanswered: set[Fence] = set()  # settled, and perhaps not: no answer came
        self._strays: set[Fence] = set()  # what the database says that we hold, and we did not know of when we looked
        self._looked_s = monotonic()
        self._looks_in_doubt = 0
        self._has_steps_to_finish = True  # until it was looked
        self._closed = asyncio.Event()
        beating = self._beating = Session(self._server, "beating", {})
        self._sessions = [beating]
        self._shared = self._new_session("asking", BY_INDEX, self._doubt) if is_frugal else None
        carrying = Carrying(self._days, worker, self._shard("carrying"))
        self._accepting = Groups([self._accepting_way(number) for number in range(ACCEPTING_WAYS)], WAITING_BYTES_MAX)
        self._settling = self._groups("settling", BY_INDEX, {"settle": carrying.settle, "release": carrying.release})
        reviving = Accepting(self._days, self._shard("claiming"), self._numbering)
        changing = Changing(self._days, self._shard("claiming"), reviving)
        self._claiming = self._groups(
            "claiming",
            BY_INDEX,
            {
                "claim": carrying.claim,
                "replay": reviving.replay,
                "retry": changing.retry,
                "cancel": changing.cancel,
                "clear": changing.clear,
                "advance_replay": changing.advance,
                "note_breaker": holding.note_breaker,
                "pause": holding.pause,
            },
            CLAIM_ALSO_S,
        )
        self._reading = self._session("reading", BY_INDEX)
        self._keeping = self._session("keeping", BY_INDEX)
        self._liveness = Liveness(beating, worker, steps_of(ENGINE)[-1].number, self._look_around)
        self._searching = self._session("searching", BY_INDEX)
        do, ring = self._claiming.do, self._liveness.ring
        self.search: Search = PostgresSearch(self._searching)
        self.changes: Changes = PostgresChanges(do, ring)
        self.minutes: Minutes = PostgresMinutes(self._keeping, self._searching)
        self.replays: Replays = PostgresReplays(do, self._keeping, self._searching, ring)
        self.rejections: Rejections = PostgresRejections(self._keeping, self._searching)

    async def open(self) -> None:
        """Create or migrate the schema, make every connection, and show that this worker lives."""
        await prepare(self._server)
        try:
            await self._connect()
            await self._liveness.open()
            await self._ask(keeping.first_look)
            await self._see()
        except StoreUnavailable as error:
            await self.close()
            if isinstance(error.__cause__, asyncpg.TooManyConnectionsError):
                raise StoreUnusable(why_unusable(error.__cause__)) from error
            raise StoreUnusable(f"the database lets nobody work on it: {error}; is it being moved?") from error

    async def _connect(self) -> None:
        """Make every connection, so that one too many fails now and not in the middle of the night."""
        made = await asyncio.gather(*(_used(session) for session in self._sessions), return_exceptions=True)
        for fault in made:
            if isinstance(fault, BaseException):
                raise fault

    async def close(self) -> None:
        """Commit what waits and let go of the database."""
        await asyncio.gather(self._accepting.close(), self._settling.close(), self._claiming.close())
        await asyncio.gather(*(session.close() for session in self._sessions if session is not self._beating))
        await self._liveness.close()
        self._closed.set()

    async def until_broken(self) -> None:
        """Come back once closed: a connection that is lost is made anew."""
        await self._closed.wait()

    async def woken(self) -> None:
        """Come back once another process has stored something that may be due."""
        await self._liveness.heard()

    async def listeners(self) -> int:
        """Tell how many other processes wait in `woken`."""
        return await self._liveness.listeners()

    async def accept(self, event: Event, plan: Plan, leases: Mapping[int, Lease]) -> Receipt:
        """Store an event with its deliveries, or find it a duplicate."""
        weight = EVENT_BYTES + len(event.body)
        acceptance = Acceptance(event, plan, leases)
        stored: Stored = await self._accepting.do("accept", acceptance, weight, is_in_order=acceptance.is_in_order)
        return self._receipt(event, plan, leases, stored)

    async def accept_all(self, batch: Sequence[tuple[Event, Plan, Mapping[int, Lease]]]) -> list[Receipt]:
        """Store several events, all or none."""
        weight = sum(EVENT_BYTES + len(event.body) for event, _, _ in batch)
        acceptances = [Acceptance(*one) for one in batch]
        is_in_order = any(acceptance.is_in_order for acceptance in acceptances)
        stored = await self._accepting.do("accept_all", acceptances, weight, is_in_order=is_in_order)
        return [self._receipt(*one, of_one) for one, of_one in zip(batch, stored, strict=True)]

    def _receipt(self, event: Event, plan: Plan, leases: Mapping[int, Lease], stored: Stored) -> Receipt:
        """Say what became of an event, hold what was leased with it, and wake those who carry the rest."""
        if stored.original_id is not None:
            self._liveness.ring()
            return Receipt(stored.original_id, is_duplicate=True)
        if len(leases) < len(plan.deliveries):
            self._liveness.ring()
        if not leases:
            return Receipt(event.id, is_duplicate=False)
        born = [
            Delivery(
                stored.delivery_ids[index],
                event,
                planned.route,
                planned.target,
                1,
                0,
                planned.due_at,
                planned.deadline_at,
                planned.order,
            )
            for index, planned in enumerate(plan.deliveries)
            if index in leases and index not in stored.queued
        ]
        self._hold(born)
        return Receipt(event.id, is_duplicate=False, deliveries=tuple(born))

    async def claim(
        self, target: str, lease: Lease, now: datetime, limit: int, bytes_max: int, rate: Rate | None = None
    ) -> list[Delivery]:
        """Lease due deliveries of a target."""
        wanted = Claim(target, lease.worker, lease.until, now, limit, bytes_max, rate)
        claimed: list[Delivery] = await self._claiming.do("claim", wanted)
        self._hold(claimed)
        return claimed

    async def settle(self, settlement: Settlement) -> bool:
        """Record an attempt and apply its result.

        Whoever settles again because no answer came is told what became of the first time.
        """
        fence = settlement.delivery.id, settlement.delivery.attempt
        try:
            held: bool = await self._settling.do("settle", settlement)
        except StoreUnavailable:
            self._unanswered.add(fence)
            raise
        if not held and fence in self._unanswered:
            held = await self._ask(reading.is_settled, settlement)
        self._held.discard(fence)
        self._unanswered.discard(fence)
        return held

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        """Give back leases of which no attempt was begun."""
        await self._release({(delivery.id, delivery.attempt): delivery.target for delivery in deliveries})

    async def renew(self, until: datetime) -> None:
        """Prolong every lease of this worker."""
        await self._liveness.prolong(until)

    async def abandoned(self, now: datetime, limit: int, bytes_max: int) -> list[Delivery]:
        """List deliveries of workers that died, or that live and overran their lease.

        This process's own are left out: its carriers always come back to settle, however the clock jumps. So are those
        of the living, where the server's clock has jumped and they may not have followed yet.
        """
        trusts_leases = self._clock is None or not self._clock.was_set
        async with self._reading.used() as connection:
            days = self._days.unfinished
            others = await reading.leaseholders(connection, days) - {self._worker}
            if not others:
                return []
            left: list[tuple[int, int]] = []
            for worker, is_gone in (await self._liveness.gone(sorted(others))).items():
                if is_gone or trusts_leases:
                    since = None if is_gone else now
                    left += await reading.left_behind(connection, worker, since, days, limit - len(left))
            return await load(connection, within(left, bytes_max))

    async def replay(self, event_id: str, now: datetime) -> int:
        """Make an event's final deliveries pending again."""
        count: int = await self._claiming.do("replay", (event_id, now))
        self._liveness.ring()
        return count

    async def note_breaker(self, target: str, before: Breaker, after: Breaker, now: datetime) -> bool:
        """Change what is known of a target's health, unless another process did so first."""

        async def change(stands: str) -> str | None:
            wish = BreakerChange(target, stands, breaker_to_json(after), after.is_tripped, now)
            instead: str | None = await self._claiming.do("note_breaker", wish)
            return instead

        return await noted(before, change)

    async def pause(self, target: str, now: datetime, *, is_paused: bool) -> None:
        """Hold a target's deliveries, or let them go on."""
        await self._claiming.do("pause", (target, is_paused, now))

    async def holds(self, target: str) -> tuple[Hold, ...]:
        """Tell when a target's deliveries were held."""
        return await self._ask(reading.holds, target)

    async def next_due(self, targets: Sequence[str]) -> Mapping[str, datetime]:
        """Tell when each target's next pending delivery is due."""
        async with self._reading.used() as connection:
            return await reading.next_due(connection, targets, self._days.unfinished)

    async def lanes(self) -> Mapping[str, LaneState]:
        """Tell every target's state."""
        async with self._reading.used() as connection:
            return await reading.lanes(connection, self._days.unfinished)

    async def event(self, event_id: str) -> EventRecord | None:
        """Return an event's whole story, or None."""
        return await self._ask(reading.event, event_id)

    async def event_ids(self, after: str, limit: int) -> list[str]:
        """List the ids that follow one."""
        return await self._ask(reading.event_ids, after, limit)

    async def purge(self, before: datetime, now: datetime, limit: int, bytes_max: int) -> bool:
        """Drop old finished events and keys past their window. One process does so for all others, too."""
        if not await self._liveness.leads():
            return False
        async with self._keeping.used(STEP_ALSO_S) as connection:
            if self._has_steps_to_finish:
                self._has_steps_to_finish = not await finish_steps(connection)
            wanted = Purge(before, now, limit, bytes_max)
            return await keeping.purge(connection, self._days, self._shard("keeping"), wanted)

    async def probe(self, now: datetime) -> None:
        """Really commit something, on the way that events take."""
        await self._accepting.do("probe", now)

    def free_bytes(self) -> int | None:
        """Return None: the disk is the server's."""
        return None

    def _accepting_way(self, number: int) -> Way:
        accepting = Accepting(self._days, self._shard(f"accepting {number}"), self._numbering)
        verbs: Mapping[str, Verb] = {
            "accept": accepting.accept,
            "accept_all": accepting.accept_all,
            "probe": keeping.probe,
        }
        session = self._session("accepting", {}, self._doubt)
        return Way(session, verbs, self._days, shortcut=("accept", accepting.accept_at_once))

    def _groups(
        self, purpose: str, settings: Mapping[str, str], verbs: Mapping[str, Verb], also_s: float = 0.0
    ) -> Groups:
        session = self._session(purpose, settings, self._doubt)
        return Groups([Way(session, verbs, self._days, also_s)], WAITING_BYTES_MAX)

    def _session(self, purpose: str, settings: Mapping[str, str], on_lost: Callable[[], None] | None = None) -> Session:
        return self._shared or self._new_session(purpose, settings, on_lost)

    def _new_session(self, purpose: str, settings: Mapping[str, str], on_lost: Callable[[], None] | None) -> Session:
        session = Session(self._server, purpose, settings, on_lost)
        self._sessions.append(session)
        return session

    def _shard(self, purpose: str) -> int:
        return number_of(f"{self._worker} {purpose}") % SHARDS

    async def _ask(self, question: Callable[..., Awaitable[T]], *arguments: object) -> T:
        async with self._reading.used() as connection:
            return await question(connection, *arguments)

    # ── what is leased to us, and we do not know of ─────────────────────────────────────────────────────────────────

    async def _release(self, targets: Mapping[Fence, str]) -> None:
        by_target: dict[str, list[Fence]] = {}
        for fence, target in targets.items():
            by_target.setdefault(target, []).append(fence)
        for target, fences in by_target.items():
            await self._settling.do("release", (target, fences))
            self._held.difference_update(fences)
        self._liveness.ring()

    def _hold(self, deliveries: Sequence[Delivery]) -> None:
        self._held.update((delivery.id, delivery.attempt) for delivery in deliveries)

    def _doubt(self) -> None:
        """Take note that the last commit of a connection may have been made, though nobody was told."""
        self._looks_in_doubt = LOOKS_IN_DOUBT

    async def _look_around(self) -> None:
        """See what others have changed that no bell tells of."""
        await self._see()
        await self._find_strays()

    async def _see(self) -> None:
        async with self._reading.used() as connection:
            if self._clock is not None:
                await self._clock.hear(connection)
            self._days.unfinished = await unfinished(connection)

    async def _find_strays(self) -> None:
        """Give back what a commit leased to us whose answer never came: nobody here carries it.

        Found at two looks: at the first, its answer may be on its way.
        """
        if not self._looks_in_doubt and monotonic() < self._looked_s + LOOKED_EVERY_S:
            return
        async with self._reading.used() as connection:
            leased = await reading.leased_by(connection, self._worker, self._days.unfinished)
        self._looked_s, self._looks_in_doubt = monotonic(), max(0, self._looks_in_doubt - 1)
        strays = leased.keys() - self._held
        if lost := strays & self._strays:
            await self._release({fence: leased[fence] for fence in lost})
        self._strays = strays - lost


async def _used(session: Session) -> None:
    """Have a session connect."""
    async with session.used():
        pass
