"""Which workers live: each holds a lock on a file of its own, and the system lets go of it when the process dies.

So the leases of a killed process are seen at its successor's start, not when they run out, and no clock is asked.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


def folder_beside(database: Path) -> Path:
    """Return where those who use a database keep what they need to find each other."""
    return database.with_name(f"{database.name}-workers")


class WorkerLocks:
    """The lock files of all workers on one database."""

    def __init__(self, database: Path) -> None:
        self.folder = folder_beside(database)
        self._held: dict[str, int] = {}

    def hold(self, worker: str) -> None:
        """Show that a worker of this process lives, until `drop`. Errors: OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path(worker), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._held[worker] = descriptor

    def drop(self, worker: str) -> None:
        """Show that a worker of this process is done."""
        descriptor = self._held.pop(worker, None)
        if descriptor is not None:
            self._path(worker).unlink(missing_ok=True)
            os.close(descriptor)

    def is_alive(self, worker: str) -> bool:
        """Tell whether some process holds the worker's lock. What a dead one left behind is cleared away."""
        if worker in self._held:
            return True
        try:
            descriptor = os.open(self._path(worker), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            self._path(worker).unlink(missing_ok=True)
            return False
        finally:
            with suppress(OSError):
                os.close(descriptor)

    def living(self) -> set[str]:
        """List the workers that live."""
        return {path.stem for path in self.folder.glob("*.lock") if self.is_alive(path.stem)}

    def _path(self, worker: str) -> Path:
        return self.folder / f"{worker}.lock"
