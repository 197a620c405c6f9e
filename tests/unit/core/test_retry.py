"""What follows an attempt: done, dead, or again, and when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import Attempt, Delivery, DeliveryStatus, Event, Outcome, RetryPolicy
from relay.retry import Finish, Retry, decide, retry_after_s
from tests.unit.core.arrange import NOW, wire_texts

POLICY = RetryPolicy(base_s=5, factor=3, cap_s=3600, jitter=0.2)
AGAIN = [Outcome.BUSY, Outcome.ERRORED, Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.LOST]


def a_delivery(attempt: int = 1, *, attempts_before: int = 0, lasting: timedelta = timedelta(days=3)) -> Delivery:
    event = Event("evt_1", "shop", "order.paid", b"k", None, NOW, (), b"{}")
    return Delivery(1, event, "route", "erp", attempt, attempts_before, NOW, NOW + lasting)


def an_attempt(outcome: Outcome, *, asked_s: float | None = None) -> Attempt:
    return Attempt(1, NOW, 0.1, outcome, retry_after_s=asked_s)


def decided(
    outcome: Outcome, delivery: Delivery, *, asked_s: float | None = None, jitter: float = 0.0
) -> Retry | Finish:
    return decide(an_attempt(outcome, asked_s=asked_s), delivery, POLICY, NOW, jitter)


def after(seconds: float) -> Retry:
    return Retry(NOW + timedelta(seconds=seconds))


def test_what_is_accepted_is_delivered() -> None:
    """2xx, and nothing else."""
    assert Finish(DeliveryStatus.DELIVERED) == decided(Outcome.ACCEPTED, a_delivery())


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.BLOCKED])
def test_what_would_fail_the_same_way_again_is_dead(outcome: Outcome) -> None:
    """The target said so, or its address must not be called."""
    assert Finish(DeliveryStatus.DEAD) == decided(outcome, a_delivery())


@pytest.mark.parametrize("outcome", AGAIN)
@pytest.mark.parametrize(("attempt", "delay_s"), [(1, 4), (2, 12), (3, 36), (7, 2880), (8, 2880), (10_000, 2880)])
def test_everything_else_is_tried_again_ever_more_slowly(outcome: Outcome, attempt: int, delay_s: float) -> None:
    """Base, times factor each time, at most the cap; here with the least jitter, which takes a fifth away."""
    assert after(delay_s) == decided(outcome, a_delivery(attempt))


def test_jitter_spreads_retries() -> None:
    """A target that comes back must not meet everybody at once."""
    assert after(4.5) == decided(Outcome.ERRORED, a_delivery(), jitter=0.5)


def test_an_explicit_schedule_is_kept_and_ends() -> None:
    """`schedule: [5s, 300s]`: two waits, three tries, then it is dead."""
    policy = RetryPolicy(schedule_s=(5, 300), jitter=0)
    tries = [decide(an_attempt(Outcome.ERRORED), a_delivery(attempt), policy, NOW, 0.5) for attempt in (1, 2, 3)]

    assert [after(5), after(300), Finish(DeliveryStatus.DEAD)] == tries
    assert Finish(DeliveryStatus.DEAD) == decide(an_attempt(Outcome.BUSY, asked_s=9), a_delivery(3), policy, NOW, 0)


def test_a_target_that_asks_for_more_time_than_there_is_gets_a_last_try() -> None:
    """Retry-After beyond `max_age` must not end a delivery after one attempt."""
    delivery = a_delivery(lasting=timedelta(minutes=10))
    assert after(600) == decided(Outcome.BUSY, delivery, asked_s=3000)


def test_a_replay_begins_the_schedule_anew() -> None:
    """Attempts made before it do not count."""
    assert after(4) == decided(Outcome.ERRORED, a_delivery(8, attempts_before=7))


@pytest.mark.parametrize("outcome", [outcome for outcome in AGAIN if outcome is not Outcome.BUSY])
def test_only_a_busy_target_is_asked_for_its_time(outcome: Outcome) -> None:
    """Retry-After belongs to 429 and 503."""
    assert after(4) == decided(outcome, a_delivery(), asked_s=60)


@pytest.mark.parametrize(("asked_s", "delay_s"), [(None, 4), (0, 4), (1, 4), (60, 60), (3600, 3600), (1e9, 3600)])
def test_a_busy_target_gets_the_time_it_asks_for(asked_s: float | None, delay_s: float) -> None:
    """Never sooner than our own schedule, never later than the cap."""
    assert after(delay_s) == decided(Outcome.BUSY, a_delivery(), asked_s=asked_s)


@pytest.mark.parametrize(
    ("lasting_s", "expected"), [(4, after(4)), (3.999, Finish(DeliveryStatus.DEAD)), (-1, Finish(DeliveryStatus.DEAD))]
)
def test_no_attempt_is_planned_after_the_deadline(lasting_s: float, expected: Retry | Finish) -> None:
    """At the deadline itself there is one more."""
    assert expected == decided(Outcome.ERRORED, a_delivery(lasting=timedelta(seconds=lasting_s)))


@given(
    outcome=st.sampled_from(Outcome),
    attempt=st.integers(1, 10**6),
    asked_s=st.none() | st.floats(0, 1e12),
    jitter=st.floats(0, 1, exclude_max=True),
    cap_s=st.floats(1, 1e15),
    factor=st.floats(1, 1e6),
)
def test_a_retry_always_has_a_time_within_its_bounds(
    outcome: Outcome, attempt: int, asked_s: float | None, jitter: float, cap_s: float, factor: float
) -> None:
    """Whatever the policy and the attempts: nothing overflows, nothing lies in the past or after the deadline."""
    delivery = a_delivery(attempt)
    policy = RetryPolicy(cap_s=cap_s, factor=factor)

    decision = decide(an_attempt(outcome, asked_s=asked_s), delivery, policy, NOW, jitter)

    assert isinstance(decision, Finish) or NOW <= decision.due_at <= delivery.deadline_at


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("Wed, 01 Jul 2026 12:01:00 GMT", 60.0),
        ("Wednesday, 01-Jul-26 12:01:00 GMT", 60.0),
        ("Wed Jul  1 12:01:00 2026", 60.0),
        ("Wed, 01 Jul 2026 14:01:00 +0200", 60.0),
        ("Wed, 01 Jul 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Jan 0000 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 366 * 86400.0),
        (f"{NOW.timestamp() + 90:.0f}", 90.0),
        (f"{NOW.timestamp() - 90:.0f}", 0.0),
        ("9" * 400, 366 * 86400.0),
        ("9" * 100_000, 366 * 86400.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, expected: float) -> None:
    """RFC 9110 knows three forms of a date; the past is now, and an eternity is a year."""
    assert expected == retry_after_s(value, NOW)


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1e3", "٣", "nan", "inf", "Fri, 99 Foo 2026", "1_0", "0x10"],
)
def test_a_retry_after_that_says_nothing_is_ignored(value: str) -> None:
    """Our own schedule is good enough."""
    assert retry_after_s(value, NOW) is None


@given(
    value=wire_texts
    | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001  of any zone
        lambda date: f"{date:%a, %d %b %Y %H:%M:%S} "
    )
    | st.builds("Fri, {} Dec {} 23:59:{} {}".format, st.integers(), st.integers(), st.integers(), st.integers()),
)
def test_no_retry_after_raises(value: str) -> None:
    """It is written by a stranger, and read by a worker that must not die."""
    wait_s = retry_after_s(value, NOW.astimezone(UTC))

    assert wait_s is None or 0 <= wait_s <= 366 * 86400
