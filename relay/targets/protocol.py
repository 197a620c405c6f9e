"""What every kind of target can do, and nothing more."""

from typing import Protocol

from relay.domain import Attempt, Delivery


class Sender(Protocol):
    """Carries deliveries to one target. One is built for each target and lives as long as the program."""

    async def send(self, delivery: Delivery) -> Attempt:
        """Make one attempt and tell what came of it. Never raises for what a target or a network can do."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
