"""The server's clock: what replicas compare with one another is kept by it, whatever their own clocks say.

Clocks that agree are left alone, so that what is stored is what was told.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

import structlog

from relay.clock import Clock
from relay.domain import Lease, Plan
from relay.store.postgres.dialling import Connection
from relay.store.protocol import Settlement

log = structlog.get_logger("relay.store")

TOLERANCE = timedelta(milliseconds=50)  # clocks that differ by less agree
BELIEVED_S = 60.0
SET_S = 0.5  # our clock was set, where it went so much further than time did
TOLD_FROM = timedelta(seconds=1)
NONE = timedelta()


class ServerTime:
    """How far the server's clock is ahead of ours.

    clock: ours, by which `Store`'s verbs are told the time; None: they are told the server's.
    """

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self._measured_s = float("-inf")
        self._apart_s = 0.0
        self.ahead = NONE

    @property
    def is_known(self) -> bool:
        """Tell whether it was measured of late, and our clock was not set since."""
        if self._clock is None:
            return True
        was_set = abs(_apart_s(self._clock) - self._apart_s) > SET_S
        return monotonic() < self._measured_s + BELIEVED_S and not was_set

    async def measure(self, connection: Connection) -> None:
        """Ask the server for its time, if need be. What the question took is how far the answer may be wrong."""
        if self.is_known or self._clock is None:
            return
        began = self._clock.now()
        theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
        taken = max(NONE, self._clock.now() - began)
        ahead = theirs - began - taken / 2
        self._measured_s, self._apart_s = monotonic(), _apart_s(self._clock)
        if abs(ahead - self.ahead) > TOLERANCE + taken / 2:
            self.ahead = ahead if abs(ahead) > TOLERANCE else NONE
            self._tell()

    def of(self, ours: datetime) -> datetime:
        """Return what the server's clock says at a time of ours."""
        return ours + self.ahead

    def ours(self, theirs: datetime) -> datetime:
        """Return what our clock says at a time of the server's."""
        return theirs - self.ahead

    def of_plan(self, plan: Plan) -> Plan:
        """Return a plan by the server's clock."""
        if not self.ahead:
            return plan
        planned = tuple(
            replace(each, due_at=self.of(each.due_at), deadline_at=self.of(each.deadline_at))
            for each in plan.deliveries
        )
        return replace(plan, deliveries=planned)

    def of_lease(self, lease: Lease) -> Lease:
        """Return a lease by the server's clock."""
        return replace(lease, until=self.of(lease.until)) if self.ahead else lease

    def of_leases(self, leases: Mapping[int, Lease]) -> Mapping[int, Lease]:
        """Return leases by the server's clock."""
        return {index: self.of_lease(lease) for index, lease in leases.items()} if self.ahead else leases

    def of_settlement(self, settlement: Settlement) -> Settlement:
        """Return a settlement by the server's clock."""
        if not self.ahead:
            return settlement
        due_at = None if settlement.due_at is None else self.of(settlement.due_at)
        attempt = replace(settlement.attempt, started_at=self.of(settlement.attempt.started_at))
        return replace(settlement, attempt=attempt, due_at=due_at)

    def _tell(self) -> None:
        if abs(self.ahead) >= TOLD_FROM:
            log.warning(
                "clocks_differ",
                behind_the_database_s=round(self.ahead.total_seconds(), 3),
                next_step="rates, leases and retries go by the database's clock; set this machine's, as by NTP",
            )


def _apart_s(clock: Clock) -> float:
    """Return what stays as it is until somebody sets a clock."""
    return clock.now().timestamp() - clock.monotonic()
