"""What every target has, of whatever kind: who receives, and how patiently each is served."""

from dataclasses import dataclass
from datetime import timedelta

from relay.domain.values import Expression, Rate


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed delivery is tried again, and when it is given up."""

    base_s: float = 5.0
    factor: float = 3.0
    cap_s: float = 6 * 3600.0
    max_age: timedelta = timedelta(days=3)
    jitter: float = 0.2  # the share of a delay that is drawn at random
    final: frozenset[int] = frozenset({410})  # statuses that end a delivery at once
    schedule_s: tuple[float, ...] = ()  # every wait, one by one, in place of base, factor and cap
    wait_header: str | None = None  # where a busy target says how long to wait, if not in Retry-After

    def delay_s(self, attempts_made: int, jitter: float) -> float | None:
        """Return the wait before the next attempt, in seconds, or None where the schedule has no further one.

        attempts_made: 1 after the first try. jitter: in [0, 1), drawn by the caller, so this stays pure.
        Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        """
        delay = self._planned_s(attempts_made)
        return None if delay is None else delay * (1 - self.jitter + self.jitter * jitter)

    def _planned_s(self, attempts_made: int) -> float | None:
        if self.schedule_s:
            return self.schedule_s[attempts_made - 1] if attempts_made <= len(self.schedule_s) else None
        try:
            return min(self.cap_s, self.base_s * self.factor ** (attempts_made - 1))
        except OverflowError:
            return self.cap_s


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a target that fails again and again is left alone, and how often it is tried meanwhile."""

    failures: int = 10  # in a row
    probe_s: float = 30.0  # until the first try; longer after each that fails
    probe_cap_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver, as its lane sees it; each kind adds what its sender needs."""

    name: str
    kind: str = "http"
    timeout_s: float = 15.0  # one deadline for the whole of an attempt
    concurrency: int = 8
    retry: RetryPolicy = RetryPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    rate: Rate | None = None
    order_by: Expression | None = None  # over the body: deliveries with the same value go one at a time
    body: Expression | None = None  # what is sent in place of the event, where its route says nothing of that

    @property
    def address(self) -> str:
        """Return where its deliveries go, as it may be shown: without anything that may be secret."""
        return ""


@dataclass(frozen=True, slots=True)
class NetworkTarget(Target):
    """A receiver that is called over the network, behind the address guard."""

    url: str = ""
    allow_private: bool = False
    allow_networks: tuple[str, ...] = ()  # CIDR: private networks named one by one

    @property
    def address(self) -> str:
        """Return the URL as it may be shown: without its user part and query."""
        scheme, _, rest = self.url.partition("://")
        authority, slash, path = rest.partition("?")[0].partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
