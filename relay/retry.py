"""What becomes of a delivery after an attempt."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import assert_never

from relay.domain import Attempt, Delivery, DeliveryStatus, Outcome, RetryPolicy

RETRY_AFTER_S_MAX = 366 * 86400.0
EPOCH_S_MIN = 1_000_000_000.0  # 2001; as a wait it would be 31 years
EPOCH_S_MAX = 100_000_000_000.0  # the year 5138
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")  # RFC 9110 has whole seconds; some send a fraction


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, not before `due_at`."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Finish:
    """Try no more."""

    status: DeliveryStatus


def decide(
    attempt: Attempt,
    delivery: Delivery,
    policy: RetryPolicy,
    now: datetime,
    jitter: float,
    held: timedelta = timedelta(),
) -> Retry | Finish:
    """Say what becomes of a delivery after one attempt.

    jitter: in [0, 1), drawn by the caller. held: for how long its target's deliveries were held since it was planned,
    which is no part of its age.
    """
    delay_s = policy.delay_s(delivery.attempts_made, jitter)
    left_s = (delivery.deadline_at + held - now).total_seconds()
    match attempt.outcome:
        case Outcome.ACCEPTED:
            return Finish(DeliveryStatus.DELIVERED)
        case Outcome.REJECTED | Outcome.BLOCKED:
            return Finish(DeliveryStatus.DEAD)
        case Outcome.BUSY:
            asked_s = min(attempt.retry_after_s or 0.0, policy.cap_s, left_s)  # who asks for more gets a last try
            return _retry_in(None if delay_s is None else max(delay_s, asked_s), left_s, now)
        case Outcome.ERRORED | Outcome.TIMED_OUT | Outcome.UNREACHABLE | Outcome.LOST:
            return _retry_in(delay_s, left_s, now)
        case _:
            assert_never(attempt.outcome)


def retry_after_s(value: str, now: datetime) -> float | None:
    """Read a `Retry-After` header: seconds to wait, at most a year, or None where it says nothing readable.

    Source: RFC 9110, 10.2.3: whole seconds, or a date in any of its three forms. A number that would be decades is
    the time itself, in seconds since 1970, as many write `X-Rate-Limit-Reset`.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        seconds = min(float(text), EPOCH_S_MAX)
        wait_s = seconds - now.timestamp() if seconds >= EPOCH_S_MIN else seconds
        return min(max(wait_s, 0.0), RETRY_AFTER_S_MAX)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return min(max(wait.total_seconds(), 0.0), RETRY_AFTER_S_MAX)


def _retry_in(wait_s: float | None, left_s: float, now: datetime) -> Retry | Finish:
    """Plan the next attempt, unless there is none left or it would come after the deadline."""
    if wait_s is None or wait_s > left_s:
        return Finish(DeliveryStatus.DEAD)
    return Retry(now + timedelta(seconds=wait_s))
