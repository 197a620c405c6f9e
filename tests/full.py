"""A disk that is full, as far as one process is concerned."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def disk_full(pid: int) -> Iterator[None]:
    """Let no write of a process to a file come through, wherever in the file. Source: RLIMIT_FSIZE in prlimit(2).

    A bound at the size that the log has now would not do: a log that was carried over is written again from its start.
    """
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
