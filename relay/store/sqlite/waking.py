"""Bells: how a process that stores something for others wakes those that deliver, without anybody polling for it.

Who delivers has a FIFO of its own beside its lock file and reads it in its event loop; who stores writes a byte to
every FIFO there is. A FIFO keeps what it was told while its reader is busy, and tells its writer when the reader is
gone. It is a hint: one that is lost costs the time until its reader looks by itself.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from time import monotonic

from relay.store.sqlite.liveness import WorkerLocks

PEERS_KNOWN_S = 1.0  # whoever begins to listen looks at the store first, and misses nothing until it is known
DEAF_S = 0.01  # after each ring; what rings meanwhile is heard then, so that a busy peer does not fill our time
FIFO_BYTES = 65536
SUFFIX = ".bell"


class Bells:
    """The FIFOs of all who listen on one database: ours, if we do, and our peers'."""

    def __init__(self, locks: WorkerLocks, worker: str) -> None:
        self._locks = locks
        self._worker = worker
        self._ours: int | None = None
        self._has_tried_to_listen = False
        self._rung = asyncio.Event()
        self._hearing_again: asyncio.TimerHandle | None = None
        self._is_about_to_ring = False
        self._peers: dict[str, int] = {}
        self._looked_s = float("-inf")

    async def heard(self) -> None:
        """Come back once a peer has rung. Where there can be no FIFO, never: nobody is woken early then."""
        if not self._has_tried_to_listen:
            self._listen()
        await self._rung.wait()
        self._rung.clear()

    def ring(self) -> None:
        """Wake every peer that listens: once for all who ask for it in this turn of the event loop."""
        if not self._is_about_to_ring:
            self._is_about_to_ring = True
            asyncio.get_running_loop().call_soon(self._ring_now)

    @property
    def listeners(self) -> int:
        """Count the peers that listen, as they were known within the last second."""
        self._look_for_peers()
        return len(self._peers)

    def close(self) -> None:
        """Neither listen nor ring any more."""
        if self._hearing_again is not None:
            self._hearing_again.cancel()
        if self._ours is not None:
            asyncio.get_running_loop().remove_reader(self._ours)
            os.close(self._ours)
            self._ours = None
            self._path(self._worker).unlink(missing_ok=True)
        for worker in list(self._peers):
            self._forget(worker)

    def _listen(self) -> None:
        self._has_tried_to_listen = True
        path = self._path(self._worker)
        try:
            os.mkfifo(path, 0o600)
            self._ours = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # a writer too: it never comes to an end of file
        except OSError as error:
            import structlog  # noqa: PLC0415 - every command opens a store, and has nothing to log

            log = structlog.get_logger("relay.store")
            log.warning("no_bell", error=str(error), next_step="what other processes store is seen within a second")
            return
        self._hear()

    def _hear(self) -> None:
        if self._ours is not None:
            asyncio.get_running_loop().add_reader(self._ours, self._take_ring, self._ours)

    def _take_ring(self, ours: int) -> None:
        with suppress(BlockingIOError):
            os.read(ours, FIFO_BYTES)
        self._rung.set()
        loop = asyncio.get_running_loop()
        loop.remove_reader(ours)
        self._hearing_again = loop.call_later(DEAF_S, self._hear)

    def _ring_now(self) -> None:
        self._is_about_to_ring = False
        self._look_for_peers()
        for worker, fifo in list(self._peers.items()):
            try:
                os.write(fifo, b"!")
            except BlockingIOError:
                pass  # full: it has a lot to hear already
            except OSError:
                self._forget(worker)

    def _look_for_peers(self) -> None:
        """See who listens, at most once a second, and clear away what the dead left behind."""
        if monotonic() - self._looked_s < PEERS_KNOWN_S:
            return
        self._looked_s = monotonic()
        listening = {path.stem for path in self._locks.folder.glob(f"*{SUFFIX}")} - {self._worker}
        living = {worker for worker in listening if self._locks.is_alive(worker)}
        for worker in listening - living:
            self._path(worker).unlink(missing_ok=True)
        for worker in self._peers.keys() - living:
            self._forget(worker)
        for worker in living - self._peers.keys():
            with suppress(OSError):  # it is about to read it, or about to go
                self._peers[worker] = os.open(self._path(worker), os.O_WRONLY | os.O_NONBLOCK)

    def _forget(self, worker: str) -> None:
        os.close(self._peers.pop(worker))

    def _path(self, worker: str) -> Path:
        return self._locks.folder / f"{worker}{SUFFIX}"
