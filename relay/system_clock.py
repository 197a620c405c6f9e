"""The machine's own time, apart from all that runs on it: every command asks it, and few of them start a relay."""

import asyncio
from datetime import UTC, datetime
from time import monotonic


class SystemClock:
    """Fulfils `relay.clock.Clock`."""

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""
        await asyncio.sleep(seconds)
