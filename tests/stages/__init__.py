"""The real world around each kind of target, found by the kind's name: a server that is well, one that is not, none.

A stage is a function for each thing that can happen there. Each takes a `Props`, sets the scene, and yields it.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from relay.domain import Outcome
from relay.targets.protocol import Sender
from tests.conftest import ManualClock
from tests.servers import Servers


@dataclass(frozen=True, slots=True)
class Props:
    """What a scene is set with."""

    clock: ManualClock
    folder: Path
    servers: Servers


@dataclass(frozen=True, slots=True)
class Scene:
    """A sender, and what it meets. count: how many things have arrived there."""

    sender: Sender
    count: Callable[[], Awaitable[int]]


SetScene = Callable[[Props], AbstractAsyncContextManager[Scene]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind's scenes.

    accepts: a target that is well. fails: what else can be, by name, and what an attempt then comes to.
    repeats: how many things are there after the same event came twice. secrets: what stands in the settings of every
    scene, and must not be told.
    """

    accepts: SetScene
    fails: Mapping[str, tuple[SetScene, Outcome]]
    repeats: int
    secrets: tuple[str, ...] = ()


async def none() -> int:
    """Count the arrivals at a place where nothing can arrive."""
    return 0
