"""Which processor does what: one for the server that is measured, the others for all that only belongs to measuring.

Left to the kernel, a server that shares a machine with its database and its generator waits in a queue for a processor
now and then while another one is idle; with these on machines of their own it would not.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.benchmarks.benchmark import NotMeasured
from tests.benchmarks.processes import Server

Place = Callable[[Server], None]


def anywhere(_: Server) -> None:
    """Leave it to the kernel."""


@contextmanager
def apart() -> Iterator[Place]:
    """Keep this thread, and what it starts, off one processor; yield what gives that one to a server.

    Errors: NotMeasured, where there is only one.
    """
    processors = os.sched_getaffinity(0)
    if len(processors) == 1:
        raise NotMeasured("there is one processor; two are needed")
    own = {min(processors)}

    def give(server: Server) -> None:
        for thread in os.listdir(f"/proc/{server.process.pid}/task"):
            os.sched_setaffinity(int(thread), own)

    os.sched_setaffinity(0, processors - own)
    try:
        yield give
    finally:
        os.sched_setaffinity(0, processors)
