"""kill -9, again and again, at random moments: of the program, of its writer, or of both."""

import asyncio
import os
import signal
from contextlib import suppress

from tests.acceptance.program import Program, begun
from tests.faults.fault import Fault
from tests.faults.site import Site, processes
from tests.forking import Forked

STILL_STARTING = 0.1  # the share of kills that do not wait until it is ready
WRITER_TOO = 0.3
MOMENT_S = (0.02, 1.0)


class SigKill(Fault):
    """The system ends a process without a word: memory ran out, or somebody was impatient."""

    name = "sigkill"
    words = "kill -9 at random moments"
    rounds = (4, 50)

    async def prepare(self, site: Site) -> None:
        """Start it as a service manager does, now and later."""
        site.begin = begun
        await super().prepare(site)

    async def happen(self, site: Site) -> None:
        """Kill, start, and let it work for a moment."""
        for _ in range(site.rounds):
            await asyncio.sleep(site.moments.uniform(*MOMENT_S))
            kill_some_of(site.relay, site)
            if site.moments.random() < STILL_STARTING:
                site.relay.start()
                await asyncio.sleep(site.moments.uniform(*MOMENT_S))
                site.relay.kill()
                site.count("kills")
            await site.start(site.relay)


def kill_some_of(relay: Program, site: Site, *, writer_too: bool = False) -> None:
    """Kill the program, and now and then its writer before it: else that one ends by itself."""
    writers = processes(relay)[1:]
    if writer_too or site.moments.random() < WRITER_TOO:
        for writer in writers:
            with suppress(ProcessLookupError):
                os.kill(writer, signal.SIGKILL)
    relay.kill()
    site.count("kills")


class SigKillForked(SigKill):
    """The same, with starts that cost less: in the same time it dies more often."""

    name = "sigkill-forked"
    words = "the same, started by a fork"
    rounds = (8, 100)

    async def prepare(self, site: Site) -> None:
        """Start it by a fork, now and later."""
        site.begin = Forked
        await site.start(site.add_relay())


FAULTS = (SigKill(), SigKillForked())
