"""What must be done again and again: look after lost leases, drop what is old, see how much room there is."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog

from relay.clock import Clock
from relay.domain import Delivery, Hold, RetryPolicy, Target
from relay.errors import StoreError, StoreRefused, StoreUnavailable
from relay.gate import Gate, held_within
from relay.headroom import Headroom
from relay.lanes import LEASE
from relay.observer import Observer
from relay.store.protocol import LaneState, Store
from relay.tenure import Tenure
from relay.worker import judge, lost, tell_stuck

log = structlog.get_logger("relay.maintenance")

RENEW_EVERY_S = 15.0
RECLAIM_EVERY_S = 2.0
SEE_EVERY_S = 1.0
PURGE_EVERY_S = 60.0
PURGE_ROWS = 20  # a step takes a millisecond or two of the writer's time, and what is accepted meanwhile waits for it
PURGE_PAUSE_S = 0.005  # between two steps; thousands of events a second can be dropped all the same
AGAIN_S = 1.0  # after the store was unavailable: a lease must not run out because of one bad moment
STEP_ROWS = 200
STEP_BYTES = 16 * 1024 * 1024


class Duty(NamedTuple):
    """What somebody else wants done again and again."""

    every_s: float
    name: str
    do: Callable[[], Awaitable[None]]


class Maintenance:
    """Keeps the store in order while others use it. Safe in any number of processes.

    duties: what is done beside it, in the same way.
    """

    def __init__(
        self,
        store: Store,
        targets: Mapping[str, Target],
        gates: Mapping[str, Gate],
        headroom: Headroom,
        keep: timedelta,
        clock: Clock,
        observer: Observer,
        draw: Callable[[], float],
        tenure: Tenure,
        duties: Sequence[Duty] = (),
    ) -> None:
        self._store = store
        self._targets = targets
        self._gates = gates
        self._headroom = headroom
        self._keep = keep
        self._clock = clock
        self._observer = observer
        self._draw = draw
        self._tenure = tenure
        self._duties = duties
        self._orphans: set[str] = set()
        self._stuck: set[int] = set()  # deliveries that the store refuses to settle

    def adopt(self, targets: Mapping[str, Target], gates: Mapping[str, Gate], keep: timedelta) -> None:
        """Go on with these targets, and keep finished events for so long."""
        self._targets, self._gates, self._keep = targets, gates, keep
        self._orphans -= targets.keys()

    async def run(self) -> None:
        """Do all of it, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(RENEW_EVERY_S, "renew", self.renew))
            tasks.create_task(self._every(RECLAIM_EVERY_S, "reclaim", self.reclaim))
            tasks.create_task(self._every(SEE_EVERY_S, "see_room", self.see_room))
            tasks.create_task(self._every(PURGE_EVERY_S, "purge", self.purge))
            for duty in self._duties:
                tasks.create_task(self._every(*duty))

    async def renew(self) -> None:
        """Prolong what this process holds: as long as it lives and turns, nobody takes it over."""
        _ = self._tenure.lapses  # what another took over meanwhile is not prolonged, and must not seem so
        began_s = self._clock.monotonic()
        await self._store.renew(self._clock.now() + LEASE)
        self._tenure.prolonged(began_s)

    async def reclaim(self) -> None:
        """Settle as lost what vanished workers held, so that it is tried again."""
        while left := await self._store.abandoned(self._clock.now(), STEP_ROWS, STEP_BYTES):
            holds = {name: await self._store.holds(name) for name in {delivery.target for delivery in left}}
            settling = (self._settle_as_lost(delivery, holds[delivery.target]) for delivery in left)
            settled = await _all_of(settling)  # at once: a commit for each would keep a slow disk busy for minutes
            if not any(settled):  # those that the store refuses to settle would be found for ever
                return

    async def see_room(self) -> None:
        """Look how much waits, for whom, who is held, and how much room is left."""
        asked_of = [(name, gate, gate.notes_answered) for name, gate in self._gates.items()]
        try:
            free_bytes = self._store.free_bytes()  # first: it knows best what is wrong with a file that is gone
            lanes = await self._store.lanes()
            self._headroom.see(lanes, free_bytes)
        except (StoreError, OSError) as error:
            self._headroom.fail_to_see(str(error))
            raise StoreUnavailable(str(error)) from error
        self._tell_orphans(lanes)
        for name, gate, notes_answered in asked_of:
            if self._gates.get(name) is gate:  # the configuration may be another one since
                await gate.look(lanes.get(name, LaneState()), notes_answered)

    async def purge(self) -> None:
        """Drop finished events older than `storage.keep`, step by step."""
        now = self._clock.now()
        while await self._store.purge(now - self._keep, now, PURGE_ROWS, STEP_BYTES):
            await self._clock.sleep(PURGE_PAUSE_S)

    def _tell_orphans(self, lanes: Mapping[str, LaneState]) -> None:
        """Say, once for each, that deliveries wait for a target that the configuration no longer has."""
        for name in lanes.keys() - self._targets.keys() - self._orphans:
            if lanes[name].unfinished:
                self._orphans.add(name)
                log.warning(
                    "target_not_configured",
                    target=name,
                    unfinished=lanes[name].unfinished,
                    next_step="they are kept and wait: configure a target of that name, and they go there; or `relay "
                    f"targets move {name} OTHER` gives them to another, and `relay targets cancel {name}` ends them",
                )

    async def _settle_as_lost(self, delivery: Delivery, holds: Sequence[Hold]) -> bool:
        """Tell whether it is settled now: another process may have been first, or the store refuse."""
        now = self._clock.now()
        target = self._targets.get(delivery.target)
        policy = target.retry if target else RetryPolicy()
        held = held_within(holds, delivery.planned_at, now)
        attempt = lost(delivery, now, "its worker vanished during the attempt")
        settlement = judge(delivery, attempt, policy, now, self._draw(), held)
        try:
            is_settled = await self._store.settle(settlement)
        except StoreRefused as error:
            self._tell_stuck(delivery, error)
            return False
        if is_settled:
            next_in_s = (settlement.due_at - now).total_seconds() if settlement.due_at else None
            self._observer.attempted(delivery, attempt, settlement.status, next_in_s=next_in_s)
        return is_settled

    def _tell_stuck(self, delivery: Delivery, error: StoreRefused) -> None:
        """Say, once for each, that a delivery cannot be settled; the others are."""
        if delivery.id not in self._stuck:
            self._stuck.add(delivery.id)
            tell_stuck(
                delivery, error, "it stays as it is, and the others go on; please report this: the relay made it so"
            )

    async def _every(self, seconds: float, name: str, duty: Callable[[], Awaitable[None]]) -> None:
        """Do a duty now and then. A store that is unavailable is asked again next time; readiness tells of it."""
        is_well = True
        while True:
            try:
                await duty()
                is_well = True
                await self._clock.sleep(seconds)
            except StoreError as error:
                if is_well:
                    next_step = f"trying again every {AGAIN_S:g} s"
                    log.warning("maintenance_waits", duty=name, error=str(error), next_step=next_step)
                is_well = False
                await self._clock.sleep(AGAIN_S)


async def _all_of(settling: Iterable[Awaitable[bool]]) -> list[bool]:
    """Come back once all are settled, or have failed. Errors: as the first that failed."""
    done = await asyncio.gather(*settling, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [bool(one) for one in done]
