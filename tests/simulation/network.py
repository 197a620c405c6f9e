"""The targets, and the wires to them: what arrived, what was answered, and what got lost on the way."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from random import Random
from typing import TYPE_CHECKING

from relay.clock import Clock
from relay.domain import Attempt, Delivery, Outcome, Target

if TYPE_CHECKING:
    from tests.simulation.process import Process


class Mood(Enum):
    """How a target behaves."""

    WELL = auto()
    DOWN = auto()  # nothing listens there
    FAILING = auto()  # it answers 500
    BUSY = auto()  # it answers 503
    FORGETFUL = auto()  # it takes the delivery, and its answer never comes
    SLOW = auto()
    CHOOSY = auto()  # it refuses for good
    CRASHING = auto()  # sending fails by a fault of our own


@dataclass(frozen=True)
class Arrival:
    """One delivery, as a target has seen it."""

    sent_s: float
    process: "Process"
    delivery: Delivery
    is_answered: bool  # in time


class Network:
    """All targets. keep: how long finished events are kept."""

    def __init__(self, chance: Random, keep: timedelta) -> None:
        self.chance = chance
        self.keep = keep
        self.moods: defaultdict[str, Mood] = defaultdict(lambda: Mood.WELL)
        self.arrivals: list[Arrival] = []
        self.faults: list[str] = []
        self.in_flight: Counter[tuple[str, str]] = Counter()

    def tell_failed(self, what: str, fault: BaseException) -> None:
        """Note that a task ended that never should."""
        self.faults.append(f"{what} ended: {fault!r}")

    async def take(self, process: "Process", delivery: Delivery, mood: Mood, timeout_s: float) -> Outcome:
        """Receive a delivery, as the target does: it goes on whatever becomes of who sent it."""
        sent_s = asyncio.get_running_loop().time()
        takes_s = self.chance.uniform(0, 12 if mood is Mood.SLOW else 0.1)
        await asyncio.sleep(takes_s)
        match mood:
            case Mood.FAILING:
                return Outcome.ERRORED
            case Mood.BUSY:
                return Outcome.BUSY
            case Mood.CHOOSY:
                return Outcome.REJECTED
        is_answered = mood is not Mood.FORGETFUL and takes_s < timeout_s
        self.arrivals.append(Arrival(sent_s, process, delivery, is_answered))
        return Outcome.TIMED_OUT if mood is Mood.FORGETFUL else Outcome.ACCEPTED


class Wire:
    """Sends one process's deliveries to one target."""

    def __init__(self, process: "Process", target: Target, network: Network, clock: Clock) -> None:
        self._process = process
        self._clock = clock
        self._target = target
        self._network = network

    async def send(self, delivery: Delivery) -> Attempt:
        place = (self._process.name, self._target.name)
        self._network.in_flight[place] += 1
        if self._network.in_flight[place] > self._target.concurrency:
            self._network.faults.append(f"more than {self._target.concurrency} at a time to {self._target.name}")
        try:
            outcome = await self._sent(delivery)
        finally:
            self._network.in_flight[place] -= 1
        return Attempt(delivery.attempt, self._clock.now(), 0.01, outcome, _STATUSES.get(outcome))

    async def close(self) -> None: ...

    async def _sent(self, delivery: Delivery) -> Outcome:
        life, chance = self._process.life, self._network.chance
        await life.sleep(chance.uniform(0, 0.02))
        mood = self._network.moods[self._target.name]
        if mood is Mood.DOWN:
            return Outcome.UNREACHABLE
        if mood is Mood.CRASHING:
            raise RuntimeError("a fault of our own")
        taking = asyncio.ensure_future(self._network.take(self._process, delivery, mood, self._target.timeout_s))
        try:
            async with asyncio.timeout(self._target.timeout_s):
                outcome = await asyncio.shield(taking)
        except TimeoutError:
            outcome = Outcome.TIMED_OUT
        await life.sleep(chance.uniform(0, 0.02))
        return outcome


_STATUSES = {Outcome.ACCEPTED: 200, Outcome.ERRORED: 500, Outcome.BUSY: 503, Outcome.REJECTED: 410}
