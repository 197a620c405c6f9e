"""What the admin's resources work with."""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from relay.clock import Clock
from relay.config import Config
from relay.domain import Secret
from relay.health import Health
from relay.ingest import Ingest
from relay.lanes import Lanes
from relay.reloading import Reloading
from relay.singles import Singles
from relay.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """The running relay, as an operator sees it. config: asked each time, for it may be loaded anew.

    reloading: None where there is no file to be read again.
    """

    store: Store
    lanes: Lanes
    ingest: Ingest
    health: Health
    singles: Singles
    clock: Clock
    config: Callable[[], Config]
    tokens: Sequence[Secret]  # a reload changes what is in it
    exposition: Callable[[], Awaitable[bytes]]
    reloading: Callable[[], Reloading | None]
    entropy: Callable[[int], bytes] = os.urandom
