"""What an operator does to deliveries, one or many."""

from datetime import datetime
from typing import Protocol

from relay.domain import DeliveryStatus


class Changes(Protocol):
    """Each change is on disk when it returns; one that cannot be made changes nothing."""

    async def retry(self, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        """Make a pending delivery due at once, unless it waits for another of its order; begin a final one anew.

        Returns how it stood, or None where there is none. One that is being sent is left alone.
        """
        ...

    async def cancel(self, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        """Have a pending delivery, or one that was given up, never sent.

        Returns how it stood, or None where there is none. In any other status it is left alone.
        """
        ...

    async def cancel_pending(self, target: str, now: datetime, limit: int) -> int:
        """Cancel up to `limit` pending deliveries of a target; tell how many."""
        ...

    async def move_pending(self, target: str, other: str, now: datetime, limit: int) -> int:
        """Give up to `limit` pending deliveries of a target to another, each with a new schedule; tell how many.

        They lose their order, which was the target's own. One whose event goes to the other target already is
        cancelled instead.
        """
        ...
