"""Lanes: what each target's worker holds in memory. A window on the backlog, never the backlog itself.

A fresh event finds a place in its targets' lanes before it is stored; its deliveries are then born leased to this
process and go from the commit straight to the worker. Where there is no place they are stored pending, and the
lane claims them from the store when it has room. Each way has places of its own, so that neither starves.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relay.domain import Delivery, Event, Lease, Plan, Receipt, Target

FRESH_PLACES = 1024  # what comes in a burst is not written pending and claimed again, which costs twice
CLAIMED_PLACES_PER_SENDER = 4  # enough that a sender never waits for the store
LEASE = timedelta(seconds=60)  # renewed by maintenance long before; who hangs for so long loses what it holds
MEMORY_BYTES_MAX = 64 * 1024 * 1024  # of bodies held by all lanes


class Memory:
    """The bound on the bodies that all lanes hold together. A lane that holds none may always have one."""

    def __init__(self, bytes_max: int = MEMORY_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._dropped = asyncio.Event()

    @property
    def free_bytes(self) -> int:
        """Return how much more may be held."""
        return max(0, self._bytes_max - self._bytes)

    def has_room_for(self, body_bytes: int) -> bool:
        """Tell whether a body may be held."""
        return not self._bytes or body_bytes <= self.free_bytes

    def hold(self, body_bytes: int) -> None:
        """Count a body in."""
        self._bytes += body_bytes

    def drop(self, body_bytes: int) -> None:
        """Count a body out."""
        self._bytes -= body_bytes
        self._dropped.set()

    async def some_to_drop(self) -> None:
        """Wait until a body is counted out."""
        self._dropped.clear()
        await self._dropped.wait()


class Lane:
    """One target's deliveries in this process: those waiting for a sender, and those being sent."""

    def __init__(self, target: Target, worker: str, memory: Memory) -> None:
        self.target = target
        self._worker = worker
        self._memory = memory
        self._claimed_places = CLAIMED_PLACES_PER_SENDER * target.concurrency
        self._fresh = 0  # places taken by deliveries that came straight from accept
        self._claimed = 0
        self._claimed_ids: set[int] = set()
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._work_waits = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def lease(self, now: datetime) -> Lease:
        """Return a lease for what this lane takes on."""
        return Lease(self._worker, now + LEASE)

    def reserve(self, body_bytes: int) -> bool:
        """Take a place for a fresh delivery, if there is one."""
        if self._fresh >= FRESH_PLACES or not self._memory.has_room_for(body_bytes):
            return False
        self._fresh += 1
        self._memory.hold(body_bytes)
        return True

    def free(self, body_bytes: int) -> None:
        """Give back a reserved place that is not needed after all."""
        self._fresh -= 1
        self._memory.drop(body_bytes)

    def fill(self, delivery: Delivery) -> None:
        """Put a fresh delivery into its reserved place."""
        self._queue.put_nowait(delivery)

    def wake(self) -> None:
        """Say that something in the store may be due for this target."""
        self._work_waits.set()

    async def hunger(self) -> tuple[int, int]:
        """Wait until something may be due and there is room; return how many deliveries, and bytes, to claim."""
        await self._work_waits.wait()
        await self._has_room.wait()
        while self._is_holding and not self._memory.free_bytes:
            await self._memory.some_to_drop()
        self._work_waits.clear()  # before the claim: what is stored meanwhile wakes it again
        return self._claimed_places - self._claimed, max(1, self._memory.free_bytes)

    @property
    def _is_holding(self) -> bool:
        return self._fresh + self._claimed > 0

    def feed(self, claimed: Iterable[Delivery]) -> None:
        """Take deliveries that were claimed from the store."""
        for delivery in claimed:
            self._claimed += 1
            self._claimed_ids.add(delivery.id)
            self._memory.hold(len(delivery.event.body))
            self._queue.put_nowait(delivery)
            self._work_waits.set()  # there may be more where this came from
        self._tell_room()

    async def next(self) -> Delivery:
        """Wait for the next delivery to send."""
        return await self._queue.get()

    def done(self, delivery: Delivery) -> None:
        """Free the place of a delivery that was settled or given back."""
        self._memory.drop(len(delivery.event.body))
        if delivery.id in self._claimed_ids:
            self._claimed_ids.discard(delivery.id)
            self._claimed -= 1
            self._tell_room()
        else:
            self._fresh -= 1

    def empty(self) -> list[Delivery]:
        """Take out everything that no sender has begun."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    def _tell_room(self) -> None:
        if self._claimed <= self._claimed_places // 2:
            self._has_room.set()
        else:
            self._has_room.clear()


@dataclass(frozen=True, slots=True)
class Places:
    """Where an event's deliveries will be held once it is stored, by their index in the plan."""

    leases: Mapping[int, Lease] = field(default_factory=dict)
    lanes: Sequence[Lane] = ()
    body_bytes: int = 0


class Lanes:
    """All lanes of this process, by target."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self._lanes = {lane.target.name: lane for lane in lanes}

    def reserve(self, event: Event, plan: Plan, now: datetime) -> Places:
        """Take places for an event that is about to be stored, where there are any."""
        leases, lanes, body_bytes = {}, [], len(event.body)
        for index, planned in enumerate(plan.deliveries):
            lane = self._lanes.get(planned.target)
            if lane is not None and lane.reserve(body_bytes):
                leases[index] = lane.lease(now)
                lanes.append(lane)
        return Places(leases, lanes, body_bytes)

    def free(self, places: Places) -> None:
        """Give places back: the event was not stored, or was there already."""
        for lane in places.lanes:
            lane.free(places.body_bytes)

    def fill(self, places: Places, plan: Plan, receipt: Receipt) -> None:
        """Hand a stored event's deliveries to their lanes, and wake those that had no place."""
        if receipt.is_duplicate:
            self.free(places)
            return
        for lane, delivery in zip(places.lanes, receipt.deliveries, strict=True):
            lane.fill(delivery)
        if len(places.leases) < len(plan.deliveries):
            self.wake(planned.target for index, planned in enumerate(plan.deliveries) if index not in places.leases)

    def wake(self, targets: Iterable[str]) -> None:
        """Say that something in the store may be due for these targets."""
        for target in targets:
            if target in self._lanes:
                self._lanes[target].wake()
