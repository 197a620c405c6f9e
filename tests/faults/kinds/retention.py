"""Old events are purged while new ones come: what is finished goes, and nothing else does."""

import asyncio
import random

from tests.faults.fault import Fault
from tests.faults.receivers import NOT_NOW, OK
from tests.faults.requests import FAILING
from tests.faults.site import FAILS, Site, rewrite


class Retention(Fault):
    """A relay purges when it starts; here it is killed in the middle of that, under load."""

    name = "retention"
    words = "retention while loaded, killed in it"
    rounds = (3, 15)
    keeps_all = False

    async def prepare(self, site: Site) -> None:
        """Keep finished events for a second. None is refused for good: the dead are purged, too."""
        chance = random.Random(site.moments.random())
        site.receivers[FAILING].judge = lambda _id, _body: NOT_NOW if chance.random() < FAILS else OK
        relay = site.add_relay()
        rewrite(relay, storage={"url": site.storage.url, "disk_free_min": "1MiB", "keep": "1s"})
        await site.start(relay)

    async def happen(self, site: Site) -> None:
        """Load it for a while, and start it anew."""
        for _ in range(site.rounds):
            await asyncio.sleep(site.moments.uniform(1.5, 2.5))
            site.relay.kill()
            await site.start(site.relay)

    async def also(self, site: Site) -> list[str]:
        """Something must have gone, or nothing was shown."""
        ((left,),) = await site.rows("SELECT count(*) FROM events")
        purged = len(site.senders.ledger.promises) - left
        site.count("purged", purged)
        return [] if purged > 0 else ["nothing was purged"]


FAULTS = (Retention(),)
