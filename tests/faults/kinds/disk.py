"""The disk under the database file: full, read-only, slow, failing, and well again."""

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.fault import SQLITE, Fault
from tests.faults.site import Site, processes
from tests.full import disk_full

DISK_MB = 96
BLOCK = bytes(1024 * 1024)
SLOW_US = 100_000
WHILE_S = 3.0
EVENTS = "SELECT count(*) FROM events"


class DiskFull(Fault):
    """A small file system of its own, filled by somebody else to the last byte; later that is removed."""

    name = "disk-full"
    words = "disk full, then room again"
    engines = (SQLITE,)
    rounds = (1, 5)

    @contextmanager
    def disk(self, folder: Path) -> Iterator[Path]:
        """Mount one in memory, where the machine allows that."""
        at = folder / "disk"
        at.mkdir()
        options = ("-t", "tmpfs", "-o", f"size={DISK_MB}m", "relay-faults", str(at))
        mounted = subprocess.run(("mount", *options), capture_output=True, check=False).returncode == 0
        if not mounted:
            print(
                "disk-full: THIS MACHINE FORBIDS MOUNTING; a bound on the size of files stands for it", file=sys.stderr
            )
        try:
            yield at
        finally:
            if mounted:
                subprocess.run(("umount", "--lazy", str(at)), check=True)

    async def happen(self, site: Site) -> None:
        """Fill it; insist that readiness tells; make room."""
        for _ in range(site.rounds):
            with _full(site):
                await site.is_not_ready(site.relay)
                await asyncio.sleep(WHILE_S)
            await site.is_ready(site.relay)
            await site.senders.have_sent(1, WHILE_S * 10)


@contextmanager
def _full(site: Site) -> Iterator[None]:
    folder = site.relay.database.parent
    if os.path.ismount(folder):
        filler = folder / "filler"
        _fill(filler)
        yield
        filler.unlink()
    else:
        with disk_full(processes(site.relay)[-1]):
            yield


def _fill(filler: Path) -> None:
    """Write until nothing more goes."""
    with filler.open("wb", buffering=0) as file:
        for block in (BLOCK, bytes(4096), bytes(1)):
            try:
                while True:
                    file.write(block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


class ReadOnly(Fault):
    """The system makes a disk read-only when it doubts it; somebody repairs it."""

    name = "read-only"
    words = "read-only disk, then writable again"
    engines = (SQLITE,)
    rounds = (1, 5)

    async def prepare(self, site: Site) -> None:
        """Start it on a machine that can misbehave."""
        assert site.machine
        await super().prepare(site)

    async def happen(self, site: Site) -> None:
        """Refuse every write; insist that readiness tells; let it write again."""
        for _ in range(site.rounds):
            site.machine.set(write_errno=errno.EROFS)
            await site.is_not_ready(site.relay)
            await asyncio.sleep(WHILE_S)
            site.machine.set(write_errno=0)
            await site.is_ready(site.relay)
            await site.senders.have_sent(1, WHILE_S * 10)


class SlowSync(ReadOnly):
    """A disk that needs a tenth of a second to make anything durable; killed while it does."""

    name = "slow-fsync"
    words = "fsync that takes 100 ms, and kill -9 in it"
    rounds = (2, 10)

    async def happen(self, site: Site) -> None:
        """Slow it down, and kill the relay in the middle."""
        site.machine.set(sync_us=SLOW_US)
        for _ in range(site.rounds):
            await asyncio.sleep(site.moments.uniform(0.5, 1.5))
            site.relay.kill()
            await site.start(site.relay)
        site.machine.set(sync_us=0)


class FailingSync(ReadOnly):
    """A disk that says that it could not keep what it was given."""

    name = "failing-fsync"
    words = "fsync that fails (EIO), then works again"

    async def happen(self, site: Site) -> None:
        """Let every fsync fail; insist that nothing is acknowledged meanwhile; let them work again."""
        for _ in range(site.rounds):
            site.machine.set(sync_errno=errno.EIO)
            await site.is_not_ready(site.relay)
            ((stored,),) = await site.rows(EVENTS)
            await asyncio.sleep(WHILE_S)
            falsely = len(site.senders.ledger.promises) - stored
            assert falsely <= 0, f"{falsely} events were acknowledged while no fsync worked"
            site.machine.set(sync_errno=0)
            await site.is_ready(site.relay)
            await site.senders.have_sent(1, WHILE_S * 10)


FAULTS = (DiskFull(), ReadOnly(), SlowSync(), FailingSync())
