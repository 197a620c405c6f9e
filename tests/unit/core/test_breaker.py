"""The breaker, as a table of stories and as a state machine."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relay.breaker import Breaker, BreakerState, after, is_failure_of_target, probe
from relay.domain import Attempt, BreakerPolicy, Outcome
from tests.conftest import START

POLICY = BreakerPolicy(failures=3, probe_s=10, probe_cap_s=35)
CONCURRENCY = 8
SECOND = timedelta(seconds=1)


def an_attempt(outcome: Outcome, status: int | None = None) -> Attempt:
    return Attempt(1, START, 0.1, outcome, status, "what happened")


GOOD, BAD = an_attempt(Outcome.ACCEPTED, 200), an_attempt(Outcome.UNREACHABLE)


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(POLICY.failures):
        breaker = after(breaker, BAD, POLICY, CONCURRENCY, START)
    return breaker


@pytest.mark.parametrize(
    ("outcome", "status", "is_failure"),
    [
        (Outcome.ACCEPTED, 200, False),
        (Outcome.BUSY, 429, True),
        (Outcome.BUSY, 503, True),
        (Outcome.ERRORED, 500, True),
        (Outcome.ERRORED, 302, False),
        (Outcome.ERRORED, 404, False),
        (Outcome.ERRORED, None, False),
        (Outcome.TIMED_OUT, None, True),
        (Outcome.UNREACHABLE, None, True),
        (Outcome.REJECTED, 410, False),
        (Outcome.BLOCKED, None, False),
        (Outcome.LOST, None, False),
    ],
)
def test_only_what_is_the_targets_fault_counts_against_it(
    outcome: Outcome, status: int | None, is_failure: bool
) -> None:
    """A 4xx is that event's fault; one bad event must not stop a lane."""
    assert is_failure is is_failure_of_target(an_attempt(outcome, status))


def test_it_opens_after_so_many_failures_in_a_row_and_says_why() -> None:
    """A target that is down is left alone; at night the log tells the reason."""
    breaker = opened()

    assert BreakerState.OPEN == breaker.state
    assert "unreachable: what happened" == breaker.reason
    assert START + 10 * SECOND == breaker.probe_at


def test_a_success_between_starts_the_count_anew() -> None:
    """In a row means in a row."""
    breaker = Breaker()
    for attempt in (BAD, BAD, GOOD, BAD, BAD):
        breaker = after(breaker, attempt, POLICY, CONCURRENCY, START)

    assert BreakerState.CLOSED == breaker.state


def test_one_delivery_tries_when_its_time_has_come() -> None:
    """Probing is one at a time."""
    assert not opened().allows(0, CONCURRENCY)
    assert BreakerState.OPEN == probe(opened(), START + 9 * SECOND).state

    trying = probe(opened(), START + 10 * SECOND)
    assert trying.allows(0, CONCURRENCY)
    assert not trying.allows(1, CONCURRENCY)


def test_each_failed_try_makes_the_next_one_later_up_to_a_cap() -> None:
    """A target that is down for six hours is asked now and then, not all the time."""
    breaker, waits = opened(), []
    now = START
    for _ in range(3):
        now += 100 * SECOND
        breaker = after(probe(breaker, now), BAD, POLICY, CONCURRENCY, now)
        assert breaker.probe_at is not None
        waits.append((breaker.probe_at - now).total_seconds())

    assert [20, 35, 35] == waits
    assert START == breaker.opened_at


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.BLOCKED, Outcome.ERRORED])
def test_what_the_target_had_no_part_in_says_nothing_about_it(outcome: Outcome) -> None:
    """A worker that vanished, an address that is guarded, a fault of ours: neither good news nor bad."""
    trying = probe(opened(), START + 10 * SECOND)

    for breaker in (after(Breaker(), BAD, POLICY, CONCURRENCY, START), opened(), trying):
        assert breaker is after(breaker, an_attempt(outcome), POLICY, CONCURRENCY, START)


def test_it_closes_gently() -> None:
    """Slow start: one at once, then two, then four, so that a target that comes back is not knocked over."""
    breaker = after(probe(opened(), START + 10 * SECOND), GOOD, POLICY, CONCURRENCY, START)
    permits = []
    while breaker.permits is not None:
        permits.append(breaker.permits)
        breaker = after(breaker, GOOD, POLICY, CONCURRENCY, START)

    assert [1, 2, 4] == permits
    assert Breaker() == breaker


class BreakerMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order, what a reader relies on holds."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = START

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.breaker = probe(self.breaker, self.now)

    @rule(outcome=st.sampled_from(Outcome), status=st.sampled_from([None, 302, 404, 500]))
    def an_attempt_ends(self, outcome: Outcome, status: int | None) -> None:
        self.breaker = after(self.breaker, an_attempt(outcome, status), POLICY, CONCURRENCY, self.now)

    @precondition(lambda self: self.breaker.state is BreakerState.HALF_OPEN)
    @rule()
    def a_good_try_closes(self) -> None:
        self.breaker = after(self.breaker, GOOD, POLICY, CONCURRENCY, self.now)
        assert self.breaker.state is BreakerState.CLOSED

    @invariant()
    def held_deliveries_have_a_next_try(self) -> None:
        is_closed = self.breaker.state is BreakerState.CLOSED
        assert is_closed == (self.breaker.opened_at is None) == (self.breaker.probe_at is None)

    @invariant()
    def the_count_stays_below_the_bound_while_closed(self) -> None:
        if self.breaker.state is BreakerState.CLOSED:
            assert self.breaker.failures < POLICY.failures

    @invariant()
    def intervals_are_bounded(self) -> None:
        assert self.breaker.probe_s <= POLICY.probe_cap_s


TestBreakerMachine = BreakerMachine.TestCase
