"""The machine's own time, apart from all that runs on it: every command asks it, and few of them start a relay."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from functools import partial

if sys.platform == "linux":  # it counts on while the machine is suspended: who wakes finds that leases have run out
    _elapsed_s = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
else:
    _elapsed_s = time.monotonic


class SystemClock:
    """Fulfils `relay.clock.Clock`."""

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return datetime.now(UTC)

    def machine_now(self) -> datetime:
        """Return the same."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return _elapsed_s()

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""
        await asyncio.sleep(seconds)
