"""When a target is left alone, how it is tried, and how it is let back in. Pure: a state goes in, a state comes out.

closed ──failures in a row──▶ open ──its time has come──▶ half_open (one delivery tries)
  ▲                             ▲                             │
  │                             └──────────failure────────────┤
  └──slow start: 1, 2, 4 … at once────────success─────────────┘
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from relay.domain import Attempt, BreakerPolicy, Outcome

PROBE_GROWTH = 2.0


class BreakerState(StrEnum):
    """Whether deliveries go to a target."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """One target's breaker.

    permits: how many may be on their way at once in slow start; None: as many as the target's concurrency.
    opened_at: since when its deliveries are held, across failed probes. probe_s: the present interval.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0  # in a row
    permits: int | None = None
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    probe_s: float = 0.0
    reason: str = ""

    @property
    def is_tripped(self) -> bool:
        """Tell whether the target is left alone, but for one that tries."""
        return self.state is not BreakerState.CLOSED

    def allows(self, in_flight: int, concurrency: int) -> bool:
        """Tell whether one more delivery may go, with so many on their way."""
        match self.state:
            case BreakerState.CLOSED:
                return in_flight < (concurrency if self.permits is None else min(self.permits, concurrency))
            case BreakerState.HALF_OPEN:
                return in_flight < 1
            case BreakerState.OPEN:
                return False


CLOSED = Breaker()


def is_failure_of_target(attempt: Attempt) -> bool:
    """Tell whether an attempt says that the target is unwell. A 4xx is that event's fault, not the target's."""
    match attempt.outcome:
        case Outcome.BUSY | Outcome.TIMED_OUT | Outcome.UNREACHABLE:
            return True
        case Outcome.ERRORED:
            return attempt.status is not None and attempt.status >= 500
        case _:
            return False


def says_nothing(attempt: Attempt) -> bool:
    """Tell whether the target had no part in an attempt: it was not reached, or the fault is the relay's own."""
    has_failed_here = attempt.outcome is Outcome.ERRORED and attempt.status is None
    return has_failed_here or attempt.outcome in (Outcome.LOST, Outcome.BLOCKED)


def after(breaker: Breaker, attempt: Attempt, policy: BreakerPolicy, concurrency: int, now: datetime) -> Breaker:
    """Return what an attempt makes of the breaker."""
    if says_nothing(attempt):
        return breaker
    if is_failure_of_target(attempt):
        return _failed(breaker, attempt, policy, now)
    return _succeeded(breaker, concurrency)


def probe(breaker: Breaker, now: datetime) -> Breaker:
    """Let one delivery try, if the time for it has come."""
    if breaker.state is BreakerState.OPEN and breaker.probe_at is not None and now >= breaker.probe_at:
        return replace(breaker, state=BreakerState.HALF_OPEN)
    return breaker


def _failed(breaker: Breaker, attempt: Attempt, policy: BreakerPolicy, now: datetime) -> Breaker:
    failures = breaker.failures + 1
    reason = f"{attempt.outcome.value}: {attempt.detail or attempt.status}"
    match breaker.state:
        case BreakerState.CLOSED if failures < policy.failures:
            return replace(breaker, failures=failures)
        case BreakerState.CLOSED:
            return _open(policy.probe_s, failures, now, now, reason)
        case BreakerState.HALF_OPEN:
            longer_s = min(policy.probe_cap_s, breaker.probe_s * PROBE_GROWTH)
            return _open(longer_s, failures, breaker.opened_at or now, now, reason)
        case BreakerState.OPEN:  # it was on its way when the breaker opened
            return breaker


def _open(probe_s: float, failures: int, opened_at: datetime, now: datetime, reason: str) -> Breaker:
    return Breaker(BreakerState.OPEN, failures, None, opened_at, now + timedelta(seconds=probe_s), probe_s, reason)


def _succeeded(breaker: Breaker, concurrency: int) -> Breaker:
    """Close, gently: a target that comes back is not knocked over by everything that waited."""
    if breaker.state is not BreakerState.CLOSED:
        return Breaker(permits=1)
    if breaker.permits is None:
        return breaker if breaker.failures == 0 else replace(breaker, failures=0)
    permits = breaker.permits * 2
    return Breaker(permits=permits if permits < concurrency else None)
