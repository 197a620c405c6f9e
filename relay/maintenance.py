"""What must be done again and again: look after lost leases, drop what is old, see how much room there is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from relay.clock import Clock
from relay.domain import Attempt, Delivery, Outcome, RetryPolicy, Target
from relay.errors import StoreError
from relay.headroom import Headroom
from relay.lanes import LEASE_S
from relay.observer import Observer
from relay.store.protocol import Store
from relay.worker import judge

log = structlog.get_logger("relay.maintenance")

RENEW_EVERY_S = 15.0
RECLAIM_EVERY_S = 2.0
SEE_EVERY_S = 1.0
PURGE_EVERY_S = 60.0
PURGE_PAUSE_S = 0.05  # between two steps, so that accepting never waits long for one
STEP_ROWS = 200
STEP_BYTES = 16 * 1024 * 1024


class Maintenance:
    """Keeps the store in order while others use it. Safe in any number of processes."""

    def __init__(
        self,
        store: Store,
        targets: Mapping[str, Target],
        headroom: Headroom,
        keep: timedelta,
        clock: Clock,
        observer: Observer,
        draw: Callable[[], float],
    ) -> None:
        self._store = store
        self._targets = targets
        self._headroom = headroom
        self._keep = keep
        self._clock = clock
        self._observer = observer
        self._draw = draw

    async def run(self) -> None:
        """Do all of it, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(RENEW_EVERY_S, "renew", self.renew))
            tasks.create_task(self._every(RECLAIM_EVERY_S, "reclaim", self.reclaim))
            tasks.create_task(self._every(SEE_EVERY_S, "see_room", self.see_room))
            tasks.create_task(self._every(PURGE_EVERY_S, "purge", self.purge))

    async def renew(self) -> None:
        """Prolong what this process holds: as long as it lives and turns, nobody takes it over."""
        await self._store.renew(self._clock.now() + timedelta(seconds=LEASE_S))

    async def reclaim(self) -> None:
        """Settle as lost what vanished workers held, so that it is tried again."""
        while lost := await self._store.abandoned(self._clock.now(), STEP_ROWS, STEP_BYTES):
            for delivery in lost:
                await self._settle_as_lost(delivery)

    async def see_room(self) -> None:
        """Look how much waits and how much room is left."""
        self._headroom.see(await self._store.lanes(), self._store.free_bytes())

    async def purge(self) -> None:
        """Drop finished events older than `storage.keep`, step by step."""
        now = self._clock.now()
        while await self._store.purge(now - self._keep, now, STEP_ROWS):
            await self._clock.sleep(PURGE_PAUSE_S)

    async def _settle_as_lost(self, delivery: Delivery) -> None:
        now = self._clock.now()
        target = self._targets.get(delivery.target)
        policy = target.retry if target else RetryPolicy()
        detail = "its worker vanished during the attempt; whether the target got it is not known"
        attempt = Attempt(delivery.attempt, now, 0.0, Outcome.LOST, detail=detail)
        settlement = judge(delivery, attempt, policy, now, self._draw())
        if await self._store.settle(settlement):
            next_in_s = (settlement.due_at - now).total_seconds() if settlement.due_at else None
            self._observer.attempted(delivery, attempt, settlement.status, next_in_s=next_in_s)

    async def _every(self, seconds: float, name: str, duty: Callable[[], Awaitable[None]]) -> None:
        """Do a duty now and then. A store that is unavailable is asked again next time; readiness tells of it."""
        is_well = True
        while True:
            try:
                await duty()
                is_well = True
            except StoreError as error:
                if is_well:
                    next_step = f"trying again every {seconds:g} s"
                    log.warning("maintenance_waits", duty=name, error=str(error), next_step=next_step)
                is_well = False
            await self._clock.sleep(seconds)
