"""What an operator asks, by the API or by a command: how targets stand, and what becomes of what waits for one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from relay.domain import GateState, Target
from relay.store.protocol import LaneState, Store

STEP_ROWS = 500  # in one transaction: what is received meanwhile does not wait for more


@dataclass(frozen=True, slots=True)
class TargetReport:
    """How a target stands, by all that its store knows.

    target: None where it is no longer configured. held_since: None where its deliveries flow.
    """

    name: str
    target: Target | None
    lane: LaneState
    held_since: datetime | None = None

    @property
    def state(self) -> GateState:
        """Return what it lets through: where it is configured no more, nothing.

        That one delivery is just trying is known to the trying process alone.
        """
        if self.lane.is_paused or self.target is None:
            return GateState.PAUSED
        return GateState.BROKEN if self.lane.breaker.is_tripped else GateState.OPERATING

    @property
    def next_probe_at(self) -> datetime | None:
        """Return when one delivery tries next, where that is what all others wait for."""
        return self.lane.breaker.probe_at if self.state is GateState.BROKEN else None


async def report_targets(store: Store, configured: Mapping[str, Target]) -> dict[str, TargetReport]:
    """Tell of every target, by name: those configured, and those that are no more, but left something behind."""
    lanes = await store.lanes()
    left = sorted(name for name in lanes.keys() - configured.keys() if _matters(lanes[name]))
    return {
        name: await _report(store, name, configured.get(name), lanes.get(name, LaneState()))
        for name in [*configured, *left]
    }


def _matters(lane: LaneState) -> bool:
    return bool(lane.unfinished or lane.dead or lane.is_paused)


async def _report(store: Store, name: str, target: Target | None, lane: LaneState) -> TargetReport:
    is_held = lane.is_paused or lane.breaker.is_tripped
    holds = await store.holds(name) if is_held else ()
    return TargetReport(name, target, lane, next((hold.began_at for hold in holds if hold.ended_at is None), None))


@dataclass(frozen=True, slots=True)
class Changed:
    """How many deliveries were changed; more: whether some may be left."""

    count: int
    more: bool


async def cancel_waiting(store: Store, target: str, now: datetime, steps_max: int | None = None) -> Changed:
    """Cancel what waits for a target, in steps: so many at most."""
    return await _in_steps(lambda: store.changes.cancel_pending(target, now, STEP_ROWS), steps_max)


async def move_waiting(store: Store, target: str, other: str, now: datetime, steps_max: int | None = None) -> Changed:
    """Give what waits for a target to another, in steps: so many at most."""
    return await _in_steps(lambda: store.changes.move_pending(target, other, now, STEP_ROWS), steps_max)


async def _in_steps(step: Callable[[], Awaitable[int]], steps_max: int | None) -> Changed:
    total, count, steps = 0, STEP_ROWS, 0
    while count == STEP_ROWS and (steps_max is None or steps < steps_max):
        count = await step()
        total, steps = total + count, steps + 1
    return Changed(total, count == STEP_ROWS)
