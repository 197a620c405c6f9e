"""What every kind of target can do, and nothing more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from relay.clock import Clock
from relay.domain import Attempt, Delivery, Target


class Sender(Protocol):
    """Carries deliveries to one target. One is built for each target and lives as long as the program."""

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Never raises for what a target or a network can do."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class Preview:
    """A request as it may be shown. fault: what of it could not be sent, or nothing."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: str = ""


Previewer = Callable[[Target, Delivery, Clock], Preview]
