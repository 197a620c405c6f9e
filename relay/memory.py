"""The bodies that lanes hold in memory: a bound on all of them together, and a share that is each lane's own.

Half of the bound is shared out among the lanes; the other half goes to whoever comes first. So a lane full of large
bodies leaves every other lane its share, and one that is alone may take nearly everything.
"""

import asyncio

MEMORY_BYTES_MAX = 64 * 1024 * 1024  # of bodies held by all lanes


class Memory:
    """The bound on all bodies, and what of it no lane has for its own."""

    def __init__(self, bytes_max: int = MEMORY_BYTES_MAX) -> None:
        self._shared_out_bytes = bytes_max // 2
        self._lanes = 0
        self._dropped = asyncio.Event()
        self.share_bytes = 0  # each lane's own
        self.common_bytes = bytes_max - self._shared_out_bytes  # what is free of it

    def share(self) -> "Share":
        """Give a lane its share; those of the others become smaller."""
        self._share_out(self._lanes + 1)
        return Share(self)

    def take_back(self) -> None:
        """End the share of a lane that is no more; those of the others become larger."""
        self._share_out(self._lanes - 1)
        self.tell_dropped()

    def tell_dropped(self) -> None:
        """Say that there is more room than before."""
        self._dropped.set()

    async def some_to_drop(self) -> None:
        """Wait until there is more room than before."""
        self._dropped.clear()
        await self._dropped.wait()

    def _share_out(self, lanes: int) -> None:
        self._lanes = lanes
        self.share_bytes = self._shared_out_bytes // max(1, lanes)


class Share:
    """What one lane holds. One that holds none may always have one, however large."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held_bytes = 0
        self._borrowed_bytes = 0  # of what is common

    @property
    def free_bytes(self) -> int:
        """Return how much more this lane may hold."""
        return max(0, self._memory.share_bytes - self._held_bytes) + max(0, self._memory.common_bytes)

    def has_room_for(self, body_bytes: int) -> bool:
        """Tell whether a body may be held."""
        fits_own = self._held_bytes + body_bytes <= self._memory.share_bytes  # as nearly always
        return fits_own or not self._held_bytes or body_bytes <= self.free_bytes

    def hold(self, body_bytes: int) -> None:
        """Count a body in."""
        self._held_bytes += body_bytes
        if self._held_bytes > self._memory.share_bytes:
            self._borrow()

    def drop(self, body_bytes: int) -> None:
        """Count a body out."""
        self._held_bytes -= body_bytes
        if self._borrowed_bytes:
            self._borrow()
        self._memory.tell_dropped()

    def end(self) -> None:
        """Give the share back, once nothing is held."""
        self._memory.take_back()

    async def until_free(self) -> None:
        """Wait until this lane may hold more: at once where it holds nothing."""
        while self._held_bytes and not self.free_bytes:
            await self._memory.some_to_drop()

    def _borrow(self) -> None:
        """Take from what is common as much as goes beyond the lane's own, and give back the rest."""
        beyond_bytes = max(0, self._held_bytes - self._memory.share_bytes)
        self._memory.common_bytes -= beyond_bytes - self._borrowed_bytes
        self._borrowed_bytes = beyond_bytes
