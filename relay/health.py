"""Readiness, by trying: a commit, the scheduler's heartbeat, room on the disk. Never a constant."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.clock import Clock
from relay.deliverers import Deliverers
from relay.errors import StoreError
from relay.headroom import Headroom
from relay.scheduler import Scheduler
from relay.store.protocol import Store
from relay.worker import Worker

BEAT_S_MAX = 15.0  # a scheduler looks every second; one that was silent for this long hangs
FRESH_S = 1.0  # an answer is given again for so long: the probe is public, and each try is a commit


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be well."""

    ok: bool
    detail: str


class Health:
    """Tells whether this process can do its work.

    scheduler: None where it does not deliver; deliverers: those who do it then. headroom: None where nothing is
    accepted.
    """

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler | None,
        workers: Sequence[Worker],
        headroom: Headroom | None,
        clock: Clock,
        deliverers: Deliverers | None = None,
    ) -> None:
        self._store = store
        self._workers = workers
        self._scheduler = scheduler
        self._headroom = headroom
        self._clock = clock
        self._deliverers = deliverers
        self._checks: Mapping[str, Check] = {}
        self._checked_s = float("-inf")
        self._one_at_a_time = asyncio.Lock()
        self.configuration = "loaded"  # or what became of the last reload: a faulty file leaves the one in use well
        self.is_stopping = False

    async def checks(self) -> Mapping[str, Check]:
        """Try everything; what was tried within the last second is told again."""
        async with self._one_at_a_time:
            if self._clock.monotonic() - self._checked_s >= FRESH_S or self.is_stopping:
                self._checks = await self._check_all()
                self._checked_s = self._clock.monotonic()
            return self._checks

    async def _check_all(self) -> Mapping[str, Check]:
        checks = {"store": await self._check_store()}
        if self._scheduler is not None:
            checks["workers"] = self._check_workers(self._scheduler)
        if self._deliverers is not None:
            checks["deliverers"] = Check(ok=True, detail=self._deliverers.detail)  # accepting needs none of them
        if self._headroom is not None:
            checks["disk"] = _unless(self._headroom.disk_shortage, "there is room")
            checks["backlog"] = _unless(self._headroom.backlog_shortage, "within its bound")
        checks["configuration"] = Check(ok=True, detail=self.configuration)
        checks["running"] = _unless("stopping" if self.is_stopping else None, "not stopping")
        return checks

    async def _check_store(self) -> Check:
        try:
            await self._store.probe(self._clock.now())
        except StoreError as error:
            return Check(ok=False, detail=str(error))
        return Check(ok=True, detail="commits")

    def _check_workers(self, scheduler: Scheduler) -> Check:
        silent_s = scheduler.silent_s
        if silent_s >= BEAT_S_MAX:
            return Check(ok=False, detail=f"the scheduler was last heard of {silent_s:.0f} s ago")
        stuck = sorted(worker.target_name for worker in self._workers if not worker.is_well)
        return _unless(f"stuck: {', '.join(stuck)}" if stuck else None, f"last heard of {silent_s:.0f} s ago")


def _unless(shortage: str | None, fine: str) -> Check:
    return Check(ok=False, detail=shortage) if shortage else Check(ok=True, detail=fine)
