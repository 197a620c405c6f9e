"""Time as a dependency: the program asks a clock, and a test moves one by hand."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def now(self) -> datetime:
        """Return the time by which everything is planned, kept and compared, aware, in UTC.

        Of replicas that share a server it is the server's; of a relay with a file it is the machine's.
        """
        ...

    def machine_now(self) -> datetime:
        """Return the time of this machine's own clock: for what others have stamped, and what others will judge."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring; they count on while the machine sleeps, where it can."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""
        ...


def to_ms(time: datetime) -> int:
    """Return whole milliseconds since 1970: the finest time that everything of ours keeps, ids and stores."""
    return int(round(time.timestamp() * 1_000_000) // 1000)  # a float holds microseconds exactly until 2255
