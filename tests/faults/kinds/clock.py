"""The clock of the day is an hour wrong: somebody sets it, or a machine wakes with a bad one."""

import asyncio

from tests.faults.fault import Fault
from tests.faults.site import Site

HOUR_S = 3600
WHILE_S = 4.0


class ClockAhead(Fault):
    """It jumps an hour ahead, and stays there. On PostgreSQL nobody notices: replicas live by the server's."""

    name = "clock-ahead"
    words = "clock jumps an hour ahead"
    rounds = (1, 3)
    jump_s = HOUR_S

    async def prepare(self, site: Site) -> None:
        """Start it on a machine that can misbehave."""
        assert site.machine
        await super().prepare(site)

    async def happen(self, site: Site) -> None:
        """Jump, again and again."""
        for number in range(1, site.rounds + 1):
            site.machine.set(clock_s=number * self.jump_s)
            await asyncio.sleep(WHILE_S)
            await site.is_ready(site.relay)


class ClockBack(ClockAhead):
    """It jumps an hour back; what was due is due an hour later then, unless it is put right."""

    name = "clock-back"
    words = "clock jumps an hour back, later is put right"
    jump_s = -HOUR_S

    async def pass_by(self, site: Site) -> None:
        """Put it right."""
        site.machine.set(clock_s=0)


FAULTS = (ClockAhead(), ClockBack())
