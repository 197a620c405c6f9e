"""Who delivers what this process only receives: watched, and told of when there is nobody."""

import structlog

from relay.clock import Clock
from relay.store.protocol import Store

log = structlog.get_logger("relay.deliverers")

LOOK_EVERY_S = 2.0
MISSED_S = 10.0  # one that restarts is missing for a moment, and nobody needs to know


class Deliverers:
    """The processes that deliver, as one that does not sees them.

    Without any this process goes on accepting: what it takes is on disk and waits, up to `storage.backlog_max`.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._count = 0
        self._missed_since_s: float | None = None
        self._is_told = False

    @property
    def detail(self) -> str:
        """Say how many there are."""
        return f"{self._count} listening" if self._count else "nobody delivers: what is accepted is stored, and waits"

    async def watch(self) -> None:
        """Look for them, for ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """See how many there are; say so, once, where there has been none for a while, and when there is one again."""
        self._count = await self._store.listeners()
        if self._count:
            if self._is_told:
                log.info("somebody_delivers", count=self._count)
            self._missed_since_s, self._is_told = None, False
            return
        now_s = self._clock.monotonic()
        if self._missed_since_s is None:
            self._missed_since_s = now_s
        if now_s - self._missed_since_s >= MISSED_S and not self._is_told:
            self._is_told = True
            next_step = "start one: relay serve --role deliver; until then what is accepted is stored, and waits"
            log.warning("nobody_delivers", missed_s=round(now_s - self._missed_since_s), next_step=next_step)
