"""Out of file descriptors: connections can neither be taken nor made, and files not opened."""

import asyncio
import resource
from pathlib import Path

from tests.faults.fault import Fault
from tests.faults.site import Site, processes

WHILE_S = 5.0


class NoDescriptors(Fault):
    """The bound falls to what is open; targets and senders hang up, and nothing can be opened in the place of it."""

    name = "descriptors"
    words = "out of file descriptors"
    rounds = (1, 5)

    async def happen(self, site: Site) -> None:
        """Take them away, and give them back."""
        for _ in range(site.rounds):
            pids = processes(site.relay)
            before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
            for pid in pids:
                highest = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(3, highest // 2), before[pid][1]))
            for receiver in site.receivers.values():
                receiver.hang_up()
            await asyncio.sleep(WHILE_S)
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before[pid])
            await site.is_ready(site.relay)


FAULTS = (NoDescriptors(),)
