"""An event that crashes whoever carries it: it is parked after its attempts, and the others flow."""

import asyncio

from tests.faults.fault import Fault
from tests.faults.receivers import NOT_NOW, OK
from tests.faults.requests import FAST, one_of_a_kind
from tests.faults.site import START_S_MAX, Site

POISON = "poison"
AHEAD_MAX = 200  # what a crash makes lost goes before what follows, so this is how long the poison waits
WAITS = ["1s", "1s", "1s"]  # four attempts, and then no more


class Poison(Fault):
    """The relay dies whenever it has sent this event, before it can write down what came of it."""

    name = "poison"
    words = "event that crashes the worker (parked, the rest flows)"
    rounds = (1, 3)

    async def prepare(self, site: Site) -> None:
        """Start it, with an end to its attempts."""
        fast, ledger = site.receivers[FAST], site.senders.ledger
        site.senders.must_wait = lambda: len(ledger.promises) - len(fast.arrivals) > AHEAD_MAX
        targets = site.parts()["targets"]
        targets[FAST]["retry"] = {"schedule": WAITS, "max_age": "1d"}
        await site.start(site.add_relay(targets=targets))

    async def happen(self, site: Site) -> None:
        """Send it, and start the relay again as often as it dies."""
        site.receivers[FAST].judge = lambda _, body: self._kill(site) if POISON.encode() in body else OK
        for number in range(site.rounds):
            await site.senders.send(one_of_a_kind(f"{POISON}-{number}"))
            async with asyncio.timeout(START_S_MAX * len(WAITS)):
                while await self._is_to_be_tried(site):
                    if site.relay.running.poll() is not None:
                        await site.start(site.relay)
                    await asyncio.sleep(0.05)

    async def also(self, site: Site) -> list[str]:
        """Each was tried so often as it may be, and stands dead."""
        rows = await site.rows(f"""
            SELECT d.status, d.attempts FROM deliveries d JOIN events e ON e.seq = d.event_seq
            WHERE e.type LIKE '{POISON}%'""")
        wanted = [("dead", len(WAITS) + 1)] * site.rounds
        return [] if sorted(rows) == wanted else [f"the poison stands as {sorted(rows)}"]

    async def _is_to_be_tried(self, site: Site) -> bool:
        """Tell whether any poison is not parked yet, or the relay just died of it."""
        unfinished = f"""
            SELECT 1 FROM deliveries d JOIN events e ON e.seq = d.event_seq
            WHERE e.type LIKE '{POISON}%' AND d.finished_at IS NULL"""
        return bool(await site.rows(unfinished)) or site.relay.running.poll() is not None

    def _kill(self, site: Site) -> int:
        site.relay.running.kill()
        site.count("crashes")
        return NOT_NOW


FAULTS = (Poison(),)
