"""The heartbeat for a dead-man switch: beats while the relay is ready, and stops when it is not."""

import asyncio
from collections.abc import Awaitable, Callable

from relay.clock import Clock
from relay.domain import Heartbeat, NetworkTarget
from relay.health import Health


class Heart:
    """Calls a URL again and again. beat: calls it once."""

    def __init__(
        self,
        heartbeat: Heartbeat | None,
        health: Health,
        clock: Clock,
        beat: Callable[[NetworkTarget], Awaitable[bool]],
    ) -> None:
        self._heartbeat = heartbeat
        self._health = health
        self._clock = clock
        self._beat = beat
        self._is_wanted = asyncio.Event()
        self.adopt(heartbeat)

    def adopt(self, heartbeat: Heartbeat | None) -> None:
        """Call this URL from here on, or none."""
        self._heartbeat = heartbeat
        if heartbeat is None:
            self._is_wanted.clear()
        else:
            self._is_wanted.set()

    async def run(self) -> None:
        """Beat, for ever; without a URL only wait for one."""
        while True:
            await self._is_wanted.wait()
            await self.beat_if_ready()
            if self._heartbeat is not None:
                await self._clock.sleep(self._heartbeat.every.total_seconds())

    async def beat_if_ready(self) -> None:
        """Beat once, if all is well."""
        checks = await self._health.checks()
        if self._heartbeat is not None and all(check.ok for check in checks.values()):
            await self._beat(self._heartbeat.target)
