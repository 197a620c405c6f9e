"""Time as a dependency: the program asks a clock, and a test moves one by hand."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""
        ...
