"""SIGTERM under load: a deployment, which loses nothing and sends nothing twice."""

import asyncio

from tests.faults.fault import Fault
from tests.faults.site import Site


class SigTerm(Fault):
    """What is in flight is finished within the grace time; then it ends by itself."""

    name = "sigterm"
    words = "SIGTERM"
    rounds = (3, 20)

    async def happen(self, site: Site) -> None:
        """Ask it to stop, and start it again."""
        for _ in range(site.rounds):
            await asyncio.sleep(site.moments.uniform(0.1, 1.0))
            code = await site.relay.stop()
            assert code == 0, f"asked to stop, it ended with {code}"
            await site.start(site.relay)

    async def also(self, site: Site) -> list[str]:
        """Whoever is asked to stop has the time to finish."""
        twice = sum(receiver.doubled for receiver in site.receivers.values())
        return [f"{twice} deliveries came twice"] if twice else []


FAULTS = (SigTerm(),)
