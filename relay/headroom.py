"""Whether there is room to promise more: a bound on what waits to be delivered, and on how full the disk may be."""

from collections.abc import Mapping

from relay.store.protocol import LaneState

MIB = 1024 * 1024


class Headroom:
    """What maintenance last saw. Accepting asks it before every event, so it only remembers."""

    def __init__(self, backlog_max: int, disk_free_min: int) -> None:
        self._backlog_max = backlog_max
        self._disk_free_min = disk_free_min
        self._backlog = 0
        self._disk_free: int | None = None
        self._fault: str | None = None

    def adopt(self, backlog_max: int, disk_free_min: int) -> None:
        """Judge by other bounds from here on."""
        self._backlog_max = backlog_max
        self._disk_free_min = disk_free_min

    @property
    def shortage(self) -> str | None:
        """Say what there is too little of to accept an event, or None."""
        return self._fault or self.backlog_shortage or self.disk_shortage

    @property
    def backlog_shortage(self) -> str | None:
        """Say that too much waits to be delivered, or None."""
        if self._backlog < self._backlog_max:
            return None
        return f"{self._backlog:,} deliveries wait, and storage.backlog_max is {self._backlog_max:,}"

    @property
    def disk_shortage(self) -> str | None:
        """Say that the disk is nearly full, or None."""
        if self._disk_free is None or self._disk_free >= self._disk_free_min:
            return None
        return (
            f"the disk has {self._disk_free // MIB:,} MiB free, "
            f"and storage.disk_free_min is {self._disk_free_min // MIB:,} MiB"
        )

    def see(self, lanes: Mapping[str, LaneState], disk_free: int | None) -> None:
        """Take note of how things are. disk_free: bytes, or None where the store has no disk of ours."""
        self._fault = None
        self._backlog = sum(lane.unfinished for lane in lanes.values())
        self._disk_free = disk_free

    def fail_to_see(self, reason: str) -> None:
        """Take note that nobody can tell how things are: nothing is promised until somebody can."""
        self._fault = reason
