"""Targets as they are: down for long, or hanging up after they have done their work."""

import asyncio

from tests.faults.fault import Fault
from tests.faults.receivers import HUNG_UP, OK
from tests.faults.requests import FAST
from tests.faults.site import TARGET, Site

DOWN_S = 15.0  # with waits of at most a second: what hours are to waits of minutes
BROKEN = 0.2


class TargetDown(Fault):
    """A target is down for so long that every wait has its longest; then it is up again, and must not be run over."""

    name = "target-down"
    words = "target down for long, then up (paced)"
    rounds = (1, 3)

    async def happen(self, site: Site) -> None:
        """Shut it, wait, open it."""
        fast = site.receivers[FAST]
        for _ in range(site.rounds):
            fast.shut()
            await asyncio.sleep(DOWN_S)
            fast.under_way_most = 0
            fast.takes_s = 0.01  # so that it can be seen how many come at a time
            await fast.open()
            await asyncio.sleep(DOWN_S / 3)
            site.counts["at a time"] = max(site.counts.get("at a time", 0), fast.under_way_most)
            fast.takes_s = 0.0

    async def also(self, site: Site) -> list[str]:
        """No herd: it gets as much at a time as it ever does."""
        most = site.counts["at a time"]
        return [f"the target got {most} at a time"] if most > TARGET["concurrency"] else []


class TargetResets(Fault):
    """A target does its work and breaks the connection off: it has to be told again, and never is it lost."""

    name = "target-resets"
    words = "target resets after it processed"
    rounds = (1, 5)

    async def happen(self, site: Site) -> None:
        """Break one in five off for a while."""
        fast = site.receivers[FAST]
        for _ in range(site.rounds):
            fast.judge = lambda _id, _body: HUNG_UP if site.moments.random() < BROKEN else OK
            await asyncio.sleep(DOWN_S / 3)
            fast.judge = lambda _id, _body: OK
            await asyncio.sleep(1.0)


FAULTS = (TargetDown(), TargetResets())
