"""The server's clock, by which every replica lives: what they compare with one another is of one clock.

It is heard once a second, and counted on from there, so that nobody sees when this machine's own clock is wrong or set.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from relay.clock import Clock
from relay.store.postgres.dialling import Connection

log = structlog.get_logger("relay.store")

TOLERANCE_S = 0.05  # clocks that differ by less agree
ASKED_AGAIN = 2  # times, where they do not: the quickest answer is the best one
TOLD_FROM_S = 1.0
RENEWED_S = 60.0  # after it was set: by then everybody who lives has followed, and has renewed its leases since


class Heard(NamedTuple):
    """What the server's clock said when ours began to count: between two times, in seconds since 1970."""

    earliest_s: float
    latest_s: float

    @property
    def doubt_s(self) -> float:
        """Return how long the answer took, which is how far it may be wrong."""
        return self.latest_s - self.earliest_s

    @property
    def middle_s(self) -> float:
        """Return the likeliest."""
        return (self.earliest_s + self.latest_s) / 2

    def allows(self, began_s: float) -> bool:
        """Tell whether what was believed may go on to be."""
        return self.earliest_s - TOLERANCE_S <= began_s <= self.latest_s + TOLERANCE_S


class ServerClock:
    """Fulfils `relay.clock.Clock`. machine: this machine's own, whose time is told until the server's was heard."""

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._elapsed_s = machine.monotonic
        self._began_s = machine.now().timestamp() - machine.monotonic()
        self._is_heard = False
        self._set_s = float("-inf")
        self._told_s = 0.0  # how far apart the two clocks were when it was last told

    def now(self) -> datetime:
        """Return the server's time."""
        return datetime.fromtimestamp(self._began_s + self._elapsed_s(), UTC)

    def machine_now(self) -> datetime:
        """Return this machine's time."""
        return self._machine.now()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._elapsed_s()

    async def sleep(self, seconds: float) -> None:
        """Come back after `seconds`."""
        await self._machine.sleep(seconds)

    @property
    def was_set(self) -> bool:
        """Tell whether the server's clock was set of late: leases of the living may still be by what it said before."""
        return self._elapsed_s() < self._set_s + RENEWED_S

    async def hear(self, connection: Connection) -> None:
        """Go by what the server says, where that is not what was counted: it was set, or another took over."""
        heard = await self._ask(connection)
        if not (self._is_heard and heard.allows(self._began_s)):
            again = [await self._ask(connection) for _ in range(ASKED_AGAIN)]
            self._believe(min(heard, *again, key=lambda each: each.doubt_s).middle_s)
        self._tell_difference()

    async def _ask(self, connection: Connection) -> Heard:
        asked_s = self._elapsed_s()
        theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return Heard(theirs.timestamp() - self._elapsed_s(), theirs.timestamp() - asked_s)

    def _believe(self, began_s: float) -> None:
        moved_s, self._began_s = began_s - self._began_s, began_s
        if self._is_heard and abs(moved_s) >= TOLD_FROM_S:
            self._set_s = self._elapsed_s()
            log.warning(
                "database_clock_set",
                ahead_s=round(moved_s, 3),
                next_step="retries, leases and rates follow it; where it goes wrong, set the server's clock by NTP",
            )
        self._is_heard = True

    def _tell_difference(self) -> None:
        """Say when this machine's clock is wrong: signatures that others make, or look at, are judged by it."""
        behind_s = (self.now() - self.machine_now()).total_seconds()
        if abs(behind_s) < TOLD_FROM_S:
            self._told_s = 0.0
        elif abs(behind_s - self._told_s) >= TOLD_FROM_S:
            self._told_s = behind_s
            log.warning(
                "clocks_differ",
                behind_the_database_s=round(behind_s, 3),
                next_step="set this machine's clock, or the server's, as by NTP: what is kept goes by the database's, "
                "and the times that senders and targets sign by this machine's",
            )
