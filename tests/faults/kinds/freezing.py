"""SIGSTOP for longer than a lease, then SIGCONT: a machine that was asleep wakes, and knows nothing of it."""

import asyncio
import signal

from relay.lanes import LEASE
from tests.faults.fault import Fault
from tests.faults.receivers import Receiver
from tests.faults.requests import SLOW
from tests.faults.site import START_S_MAX, TARGET, Site, signal_all

LONGER_S = LEASE.total_seconds() + 5
TAKES_S, BEFORE_EVENTS = 1.0, 1500  # so that much is held when it falls asleep


class Frozen(Fault):
    """Of two relays on one database one stands still; the other one goes on, and takes over what it held."""

    name = "frozen"
    words = "SIGSTOP for longer than a lease, then SIGCONT"
    rounds = (1, 4)

    async def prepare(self, site: Site) -> None:
        """Start two."""
        slow: Receiver = site.receivers[SLOW]
        slow.takes_s = TAKES_S
        for _ in range(2):
            await site.start(site.add_relay())

    async def happen(self, site: Site) -> None:
        """Let one sleep, then wake it."""
        for number in range(site.rounds):
            sleeper = site.relays[number % 2]
            await site.senders.have_sent(BEFORE_EVENTS, START_S_MAX)
            signal_all(sleeper, signal.SIGSTOP)
            await asyncio.sleep(LONGER_S)
            signal_all(sleeper, signal.SIGCONT)
            await site.is_ready(sleeper)

    async def also(self, site: Site) -> list[str]:
        """What was being sent when it fell asleep may come twice, and nothing of what it held beside."""
        most = site.rounds * TARGET["concurrency"]
        twice = {name: receiver.doubled for name, receiver in site.receivers.items() if receiver.doubled > most}
        return [f"more came twice than was being sent, at most {most}: {twice}"] if twice else []

    async def pass_by(self, site: Site) -> None:
        """Let the slow target hurry, so that it ends today."""
        site.receivers[SLOW].takes_s = 0.0


FAULTS = (Frozen(),)
