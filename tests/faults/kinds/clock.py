"""The clock of the day is an hour wrong: somebody sets it, or a machine wakes with a bad one."""

import asyncio
import signal

from tests.faults.fault import POSTGRES, Fault
from tests.faults.site import Site
from tests.preloaded import Panel

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


class ServerClockSet(Fault):
    """The clock by which all replicas live is set: an hour ahead, and back.

    What was planned while it was ahead waits for that time, and so until it is put right.
    """

    name = "server-clock"
    words = "PostgreSQL's clock jumps an hour ahead and back, later is put right"
    engines = (POSTGRES,)
    owns_server = True
    rounds = (1, 3)

    async def prepare(self, site: Site) -> None:
        """Start the server again on a machine that can misbehave, and two relays."""
        site.server_machine = Panel(site.folder)
        site.server_machine.open_to_all()
        site.postgres.environment |= site.server_machine.environment
        await asyncio.to_thread(site.postgres.stop, signal.SIGINT)
        await asyncio.to_thread(site.postgres.start)
        for _ in range(2):
            await site.start(site.add_relay())

    async def happen(self, site: Site) -> None:
        """Set it, again and again."""
        for _ in range(site.rounds):
            for clock_s in (HOUR_S, 0):
                await self._set(site, clock_s)

    async def pass_by(self, site: Site) -> None:
        """Put it right."""
        await self._set(site, HOUR_S)

    async def _set(self, site: Site, clock_s: int) -> None:
        assert site.server_machine is not None
        site.server_machine.set(clock_s=clock_s)
        await asyncio.sleep(WHILE_S)
        for relay in site.relays:
            await site.is_ready(relay)

    async def also(self, site: Site) -> list[str]:
        """Both have followed each time, and neither took the other's leases for run out."""
        followed = [relay.log.read_text().count("database_clock_set") for relay in site.relays]
        often = 2 * site.rounds + 1
        breaches = (
            [f"the clock was set {often} times, and followed {followed} times"] if set(followed) != {often} else []
        )
        twice = {name: receiver.doubled for name, receiver in site.receivers.items() if receiver.doubled}
        return [*breaches, *([f"came twice: {twice}"] if twice else [])]


FAULTS = (ClockAhead(), ClockBack(), ServerClockSet())
