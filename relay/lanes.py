"""Lanes: what each target's worker holds in memory. A window on the backlog, never the backlog itself.

A fresh event finds a place in its targets' lanes before it is stored; its deliveries are then born leased to this
process and go from the commit straight to the worker. Where there is no place they are stored pending, and the
lane claims them from the store when it has room. Each way has places and turns of its own, so that neither starves.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from relay.domain import Delivery, Event, GateState, Lease, Plan, Receipt, Target
from relay.gate import Gate
from relay.memory import Memory
from relay.tenure import Tenure

FRESH_PLACES = 1024  # what comes in a burst is not written pending and claimed again, which costs twice
CLAIMED_PLACES_PER_SENDER = 4  # enough that a sender never waits for the store
CLAIMED_TURN = 4  # each fourth delivery sent is a claimed one, where both wait
LEASE = timedelta(seconds=60)  # renewed by maintenance long before; who hangs for so long loses what it holds


class Lane:
    """One target's deliveries in this process: those waiting for a sender, and those being sent."""

    def __init__(self, target: Target, worker: str, memory: Memory, gate: Gate, tenure: Tenure) -> None:
        self.target = target
        self.gate = gate
        self._worker = worker
        self._tenure = tenure
        self._lapses = tenure.lapses  # those after which all that was here was given back
        self._is_doubtful = False  # what is here may be another's by now
        self._memory = memory.share()
        # What a target with a rate was granted must go at once: later it would fall into another period.
        self._claimed_places = target.concurrency * (1 if target.rate else CLAIMED_PLACES_PER_SENDER)
        self._fresh_places_taken = 0
        self._claims: set[tuple[int, int]] = set()  # what was claimed, by delivery and attempt
        self._fresh: deque[Delivery] = deque()
        self._claimed: deque[Delivery] = deque()
        self._turn = 0
        self._in_flight = 0
        self._idle: deque[asyncio.Future[Delivery]] = deque()  # senders with nothing to send
        self._work_waits = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._must_return = asyncio.Event()
        self._is_retiring = False
        self._is_empty = asyncio.Event()  # once retiring
        gate.watch(self._regard_gate)

    def lease(self, now: datetime) -> Lease:
        """Return a lease for what this lane takes on."""
        return Lease(self._worker, now + LEASE)

    @property
    def lapses(self) -> int:
        """Tell how often what is leased to this process ceased to be surely its own."""
        return self._tenure.lapses

    @property
    def is_shut(self) -> bool:
        """Tell whether nothing may go: by its gate, or because another lane takes its place."""
        return self._is_retiring or self.gate.is_shut

    def retire(self) -> None:
        """Take on nothing more, and have all given back that no sender has begun."""
        self._is_retiring = True
        self._regard_gate()

    async def until_empty(self) -> None:
        """Come back once a retired lane holds nothing; its memory is given back."""
        await self._is_empty.wait()
        self._memory.end()

    # ── in: fresh from accept, or claimed ───────────────────────────────────────────────────────────────────────────

    def reserve(self, body_bytes: int) -> bool:
        """Take a place for a fresh delivery, if there is one. A target with a rate is granted what it gets by claim."""
        if self._fresh_places_taken >= FRESH_PLACES or self.target.rate or self.gate.state is not GateState.OPERATING:
            return False
        if not self._memory.has_room_for(body_bytes):
            return False
        self._fresh_places_taken += 1
        self._memory.hold(body_bytes)
        return True

    def free(self, body_bytes: int) -> None:
        """Give back a reserved place that is not needed after all."""
        self._fresh_places_taken -= 1
        self._memory.drop(body_bytes)
        self._regard_gate()

    def fill(self, delivery: Delivery) -> None:
        """Put a fresh delivery into its reserved place."""
        self._fresh.append(delivery)
        self._regard_gate()

    def wake(self) -> None:
        """Say that something in the store may be due for this target."""
        self._work_waits.set()

    async def hunger(self) -> tuple[int, int]:
        """Wait until something may be due and there is room; return how many deliveries, and bytes, to claim."""
        await self._work_waits.wait()
        await self._has_room.wait()
        await self._memory.until_free()
        self._work_waits.clear()  # before the claim: what is stored meanwhile wakes it again
        return self._room, max(1, self._memory.free_bytes)

    def feed(self, claimed: Iterable[Delivery]) -> None:
        """Take deliveries that were claimed from the store."""
        for delivery in claimed:
            self._claims.add(_claim_of(delivery))
            self._memory.hold(len(delivery.event.body))
            self._claimed.append(delivery)
            self._work_waits.set()  # there may be more where this came from
        self._regard_gate()

    @property
    def _is_holding(self) -> bool:
        return self._fresh_places_taken + len(self._claims) > 0

    @property
    def _room(self) -> int:
        """Return how many may be claimed: none through a shut gate, one to try a target with."""
        if self._is_retiring:
            return 0
        match self.gate.state:
            case GateState.OPERATING:
                return self._claimed_places - len(self._claims)
            case GateState.PROBING:
                return 0 if self._is_holding else 1
            case _:
                return 0

    # ── out: to a sender, or back to the store ──────────────────────────────────────────────────────────────────────

    async def next(self) -> Delivery:
        """Wait for the next delivery that may be sent."""
        if not self._idle and (delivery := self._take()) is not None:
            return delivery
        waiting: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._idle.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():
                self.put_back(waiting.result())
            raise

    def put_back(self, delivery: Delivery) -> None:
        """Take back a delivery of which no attempt was begun."""
        self._in_flight -= 1
        self.restore([delivery])

    def restore(self, deliveries: Iterable[Delivery]) -> None:
        """Take back deliveries that were taken out, before all others."""
        for delivery in deliveries:
            (self._claimed if _claim_of(delivery) in self._claims else self._fresh).appendleft(delivery)
        self._regard_gate()

    def doubt(self, delivery: Delivery) -> None:
        """Take back a delivery that may be another's by now, and have it given back with all that waits here."""
        self._is_doubtful = True
        self.put_back(delivery)

    def done(self, delivery: Delivery) -> None:
        """Free the place of a delivery whose attempt was settled."""
        self._in_flight -= 1
        self.drop(delivery)

    def drop(self, delivery: Delivery) -> None:
        """Free the place of a delivery that is no longer here."""
        self._memory.drop(len(delivery.event.body))
        if _claim_of(delivery) in self._claims:
            self._claims.discard(_claim_of(delivery))
        else:
            self._fresh_places_taken -= 1
        self._regard_gate()

    def empty(self) -> list[Delivery]:
        """Take out everything that no sender has begun."""
        taken = [*self._claimed, *self._fresh]
        self._claimed.clear()
        self._fresh.clear()
        return taken

    async def turned_away(self) -> list[Delivery]:
        """Wait until deliveries stand here that may not go; take them out, to be given back to the store.

        They stand before a shut gate, or may be another's by now: then the store gives back what is not.
        """
        await self._must_return.wait()
        self._must_return.clear()
        must_go, self._is_doubtful = self.is_shut or self._is_doubtful, False
        return self.empty() if must_go else []

    def _regard_gate(self) -> None:
        """Do what the gate, the queues and the senders now allow."""
        if self.is_shut:
            if self._fresh or self._claimed:
                self._must_return.set()
            elif self._is_retiring and not self._is_holding:
                self._is_empty.set()
        else:
            self._serve()
        if self._room * 2 >= self._claimed_places or (self.gate.state is GateState.PROBING and self._room):
            self._has_room.set()
        else:
            self._has_room.clear()

    def _serve(self) -> None:
        """Give idle senders what may go."""
        while self._idle:
            if self._idle[0].done():  # cancelled
                self._idle.popleft()
            elif (delivery := self._take()) is not None:
                self._idle.popleft().set_result(delivery)
            else:
                return

    def _take(self) -> Delivery | None:
        """Take the next delivery: a fresh one, but for each fourth turn."""
        if not (self._fresh or self._claimed) or self._is_retiring or not self.gate.allows(self._in_flight):
            return None
        if self._doubts():
            return None
        self._in_flight += 1
        self._turn += 1
        if not self._fresh or (self._claimed and self._turn % CLAIMED_TURN == 0):
            return self._claimed.popleft()
        return self._fresh.popleft()

    def _doubts(self) -> bool:
        """Tell whether what waits here may be another's by now; if so, have it given back."""
        if (lapses := self.lapses) != self._lapses:
            self._lapses, self._is_doubtful = lapses, True
        if self._is_doubtful:
            self._must_return.set()
        return self._is_doubtful


def _claim_of(delivery: Delivery) -> tuple[int, int]:
    return delivery.id, delivery.attempt


class Places(NamedTuple):
    """Where an event's deliveries will be held once it is stored, by their index in the plan."""

    leases: Mapping[int, Lease]
    lanes: Sequence[Lane]
    body_bytes: int


class Lanes:
    """All lanes of this process, by target."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self._lanes = {lane.target.name: lane for lane in lanes}

    @property
    def gates(self) -> Mapping[str, Gate]:
        """Return every lane's gate."""
        return {name: lane.gate for name, lane in self._lanes.items()}

    def put(self, lane: Lane) -> None:
        """Hold a lane in the place of the one that its target has had, if any."""
        self._lanes[lane.target.name] = lane

    def drop(self, target: str) -> None:
        """Hold no lane for a target: what is planned for it is stored, and waits."""
        del self._lanes[target]

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
        """Hand a stored event's deliveries to their lanes, and wake those that had no place.

        A place stays empty where a delivery has to wait for an earlier one with the same order.
        """
        if receipt.is_duplicate:
            self.free(places)
            return
        born = {delivery.target: delivery for delivery in receipt.deliveries}
        for lane in places.lanes:
            if (delivery := born.get(lane.target.name)) is not None:
                lane.fill(delivery)
            else:
                lane.free(places.body_bytes)
        if len(places.leases) < len(plan.deliveries):
            self.wake(planned.target for index, planned in enumerate(plan.deliveries) if index not in places.leases)

    def wake(self, targets: Iterable[str]) -> None:
        """Say that something in the store may be due for these targets."""
        for target in targets:
            if target in self._lanes:
                self._lanes[target].wake()
