"""The database, in the hands of another program: locked, shared by two relays, or its last pages torn."""

import asyncio
import struct
from pathlib import Path

from tests.faults.fault import SQLITE, Fault
from tests.faults.kinds.sigkill import MOMENT_S, kill_some_of
from tests.faults.site import START_S_MAX, Site

LOCKED_S = 30.0
EVENTS = "SELECT count(*) FROM events"
FOR_EVER_US = 3_600_000_000
HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24  # of a write-ahead log; source: sqlite.org/fileformat.html#walformat
FRAMES_AT = 16  # in the log's index; source: sqlite.org/walformat.html, "The WAL-Index File Format"


class Locked(Fault):
    """Somebody opens it with a tool, begins a transaction, and goes for a coffee."""

    name = "locked"
    words = "database locked for 30 s by another program"
    rounds = (1, 3)

    async def happen(self, site: Site) -> None:
        """Lock it; insist that nothing is acknowledged meanwhile."""
        for _ in range(site.rounds):
            await asyncio.to_thread(asyncio.run, self._lock(site))
            await site.is_ready(site.relay)
            await site.senders.have_sent(1, LOCKED_S)

    async def _lock(self, site: Site) -> None:
        async with site.storage.blocked():
            ((stored,),) = await site.storage.rows(EVENTS)
            await asyncio.sleep(LOCKED_S)
            falsely = len(site.senders.ledger.promises) - stored
            assert falsely <= 0, f"{falsely} events were acknowledged while nobody could write"


class TwoRelays(Fault):
    """Two processes on one database, behind one balancer; one of them dies at a time."""

    name = "two-relays"
    words = "two processes on one database, one killed at a time"
    rounds = (4, 30)

    async def prepare(self, site: Site) -> None:
        """Start both."""
        for _ in range(2):
            await site.start(site.add_relay())

    async def happen(self, site: Site) -> None:
        """Kill either, and start it again."""
        for _ in range(site.rounds):
            await asyncio.sleep(site.moments.uniform(*MOMENT_S))
            relay = site.moments.choice(site.relays)
            kill_some_of(relay, site)
            await site.start(relay)


class TornLog(Fault):
    """The power goes while a commit is being made durable: its pages are half on the disk, and nobody was answered."""

    name = "torn-log"
    words = "last WAL pages torn while stopped"
    engines = (SQLITE,)
    rounds = (2, 20)

    async def prepare(self, site: Site) -> None:
        """Start it on a machine that can misbehave."""
        assert site.machine
        await super().prepare(site)

    async def happen(self, site: Site) -> None:
        """Hold a commit up in its fsync, kill everything, and tear what it has written so far."""
        for _ in range(site.rounds):
            await asyncio.sleep(site.moments.uniform(0.1, 1.0))
            site.machine.set(sync_us=FOR_EVER_US)
            async with asyncio.timeout(START_S_MAX):
                while not site.machine.logs_held:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)  # what was durable before is being answered
            kill_some_of(site.relay, site, writer_too=True)
            site.count("frames torn", tear(site.relay.database, site.moments.random()))
            site.machine.set(sync_us=0)
            await site.start(site.relay)


def tear(database: Path, share: float) -> bool:
    """Keep so much of the last transaction's last page, with rubbish behind it as an older log leaves there.

    Tells whether there was one that was not durable: a log that has just begun anew has only its header, and who was
    held up may have been about to carry over what is durable long since.
    """
    log, index = (database.with_name(f"{database.name}-{suffix}") for suffix in ("wal", "shm"))
    (durable,) = struct.unpack_from("=I", index.read_bytes(), FRAMES_AT)  # it is told of a frame once that is synced
    frames = 0
    with log.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        (page_bytes,) = struct.unpack(">I", header[8:12])
        salts, end = header[16:24], HEADER_BYTES
        while len(frame := file.read(FRAME_HEADER_BYTES)) == FRAME_HEADER_BYTES and frame[8:16] == salts:
            end, frames = file.seek(page_bytes, 1), frames + 1
        if frames <= durable:
            return False
        file.seek(end - page_bytes + int(share * (page_bytes - 8)))
        file.write(bytes(8) if share < 0.5 else b"\xa5" * 8)
        file.truncate()
    return True


FAULTS = (Locked(), TwoRelays(), TornLog())
