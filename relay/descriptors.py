"""Open files, of which connections are some: as many as the system allows, and never so many that nothing else goes."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

import structlog

from relay.clock import Clock
from relay.domain import Bounds, Cut
from relay.web.crowd import Crowd

log = structlog.get_logger("relay.descriptors")

OTHERS = 512  # the database, deliveries, the admin port
LOOK_EVERY_S = 1.0
RELIEF = 64  # connections that are hung up on where nothing can be opened any more


def affordable(bounds: Bounds) -> Bounds:
    """Have this process allowed as many open files as the connections need; return as many as it may then have."""
    wanted = bounds.connections_max + OTHERS
    allowed = _allowed(wanted)
    if allowed >= wanted:
        return bounds
    connections = max(allowed - OTHERS, allowed // 2)
    log.warning(
        "fewer_connections",
        connections=connections,
        wanted=bounds.connections_max,
        next_step=f"let the process have {wanted} open files: `ulimit -n`, LimitNOFILE",
    )
    return replace(bounds, connections_max=connections)


async def watch(crowds: Sequence[Crowd], clock: Clock, tell: Callable[[Cut], None]) -> None:
    """Where nothing can be opened any more, hang up on who keeps us waiting the longest, for ever.

    The system's event loop takes no connection then, says nothing, and may turn and turn until there is one to be had.
    """
    while True:
        await clock.sleep(LOOK_EVERY_S)
        if not _can_open():
            tell(Cut.DESCRIPTORS)
            for crowd in crowds:
                crowd.relieve(RELIEF)


def _can_open() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def _allowed(wanted: int) -> int:
    """Return how many files may be open, after asking for as many as are wanted. Source: getrlimit(2)."""
    if find_spec("resource") is None:  # not a system with such a bound
        return wanted
    resource = import_module("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    allowed: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return allowed
