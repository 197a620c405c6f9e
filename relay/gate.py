"""The gate of a lane: whether deliveries may go to its target now. Its breaker opens it and shuts it, and so does
its operator.

What shuts a gate stands in the store: it outlives a restart, and all processes that deliver to a target agree on it.
Only how it is tried, and how gently it is let back in, is each process's own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from relay import breaker
from relay.breaker import CLOSED, Breaker, BreakerState
from relay.clock import Clock
from relay.domain import Attempt, GateState, Hold, Target
from relay.errors import StoreError
from relay.observer import Observer
from relay.store.protocol import LaneState, Store

log = structlog.get_logger("relay.gate")


class Gate:
    """Whether one target's deliveries may go."""

    def __init__(self, target: Target, store: Store, clock: Clock, observer: Observer) -> None:
        self._target = target
        self._store = store
        self._clock = clock
        self._observer = observer
        self._is_paused = False
        self._breaker = CLOSED
        self._noted = CLOSED  # the breaker as the store has it, by all that is known here
        self._notes_begun = 0
        self._notes_answered = 0
        self._holds: Sequence[Hold] | None = None  # not read yet
        self._tell_lane: Callable[[], None] = _tell_nobody

    @property
    def state(self) -> GateState:
        """Return what it lets through."""
        if self._is_paused:
            return GateState.PAUSED
        return _STATES[self._breaker.state]

    @property
    def notes_answered(self) -> int:
        """Return how many notes the store has answered: to be asked before the store is read, and told to `look`."""
        return self._notes_answered

    @property
    def is_shut(self) -> bool:
        """Tell whether nothing may go."""
        return self.state in (GateState.PAUSED, GateState.BROKEN)

    def allows(self, in_flight: int) -> bool:
        """Tell whether one more delivery may go, with so many on their way."""
        return not self._is_paused and self._breaker.allows(in_flight, self._target.concurrency)

    def held(self, since: datetime, until: datetime) -> timedelta:
        """Return for how long deliveries were held between two times."""
        return held_within(self._holds or (), since, until)

    def adopt(self, target: Target) -> None:
        """Guard a target that is configured anew. What is known of its health stays; it is tried at the next look."""
        self._target = target
        if self._breaker.state is BreakerState.OPEN:
            self._breaker = replace(self._breaker, probe_at=self._clock.now())

    def watch(self, tell: Callable[[], None]) -> None:
        """Have somebody told of each change."""
        self._tell_lane = tell

    async def learn(self, attempt: Attempt) -> None:
        """Take what an attempt says about the target's health."""
        now = self._clock.now()
        learnt = breaker.after(self._breaker, attempt, self._target.breaker, self._target.concurrency, now)
        if learnt == self._breaker:
            return
        has_turned = learnt.state is not self._breaker.state
        self._become(learnt)
        if has_turned:
            self._tell()
            await self._note(learnt, now)

    async def look(self, lane: LaneState, notes_answered: int) -> None:
        """Take over what its operator or another process has changed; try the target, if the time for it has come.

        lane: as the store has it now. notes_answered: by the time this reading began. Where a note of our own was
        under way since, the reading may be older than it and is no news: the next one tells.
        """
        if notes_answered < self._notes_begun:
            return
        now = self._clock.now()
        if self._holds is None or lane.breaker != self._noted or lane.is_paused != self._is_paused:
            await self._take_over(lane)
        elif self._breaker.is_tripped != self._noted.is_tripped:  # the store could not be told when it happened
            await self._note(self._breaker, now)
        trying = breaker.probe(self._breaker, now)
        if trying is not self._breaker and not self._is_paused:
            await self._try(trying, now)

    async def _take_over(self, lane: LaneState) -> None:
        notes_begun = self._notes_begun
        holds = await self._store.holds(self._target.name)
        if notes_begun < self._notes_begun:  # meanwhile it was noted what is newer
            return
        was = self.state
        self._holds = holds
        self._is_paused = lane.is_paused
        if lane.breaker != self._noted:
            self._noted = self._breaker = lane.breaker
        self._tell_lane()
        if self.state is not was:
            self._tell()

    async def _try(self, trying: Breaker, now: datetime) -> None:
        """Let one delivery try, unless another process has just taken this turn: each moves the next one on."""
        was = self._breaker
        next_try = replace(self._breaker, probe_at=now + timedelta(seconds=self._breaker.probe_s))
        if (
            await self._note(next_try, now) and self._breaker is was
        ):  # it may have been learnt meanwhile that it is well
            self._become(trying)
            self._tell()

    async def _note(self, noted: Breaker, now: datetime) -> bool:
        """Tell the store. Where another process was first, its word is taken over at the next look."""
        self._notes_begun += 1
        try:
            was_first = await self._store.note_breaker(self._target.name, self._noted, noted, now)
            if was_first:
                self._noted = noted
                self._holds = await self._store.holds(self._target.name)
        except StoreError as error:
            log.warning("breaker_not_noted", target=self._target.name, error=str(error), next_step="tried again soon")
            return False
        finally:
            self._notes_answered += 1
        return was_first

    def _become(self, learnt: Breaker) -> None:
        self._breaker = learnt
        self._tell_lane()

    def _tell(self) -> None:
        self._observer.target_changed(self._target.name, self.state.value, self._breaker.reason, self._next_step())

    def _next_step(self) -> str:
        match self.state:
            case GateState.OPERATING:
                is_gentle = self._breaker.permits is not None
                return f"deliveries go on{', a few at a time at first' if is_gentle else ''}"
            case GateState.PROBING:
                return "one delivery tries; if it is taken, the others follow"
            case GateState.PAUSED:
                return f"deliveries wait until `relay targets resume {self._target.name}`"
            case GateState.BROKEN:
                return f"look after the target; it is tried again in {self._wait_s():.0f} s"

    def _wait_s(self) -> float:
        """Return the seconds until the target is tried."""
        probe_at = self._breaker.probe_at
        return max(0.0, (probe_at - self._clock.now()).total_seconds()) if probe_at else 0.0


def held_within(holds: Iterable[Hold], since: datetime, until: datetime) -> timedelta:
    """Return for how long a target was held between two times."""
    spans = ((max(since, hold.began_at), min(until, hold.ended_at or until)) for hold in holds)
    return sum((end - begin for begin, end in spans if end > begin), timedelta())


_STATES: Mapping[BreakerState, GateState] = {
    BreakerState.CLOSED: GateState.OPERATING,
    BreakerState.HALF_OPEN: GateState.PROBING,
    BreakerState.OPEN: GateState.BROKEN,
}


def _tell_nobody() -> None: ...
