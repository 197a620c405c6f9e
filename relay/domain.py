"""The nouns of the relay: what every other module speaks about.

A **source** sends **events**; a **route** says which events go where; a **target** receives **deliveries**,
each carried by one or more **attempts**. The same words stand in configuration, SQL, API, logs and metrics.

All types are immutable. Times are aware UTC. A raw body is always `bytes`, as it came.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import ClassVar, Protocol

from multidict import MultiMapping


class DeliveryStatus(StrEnum):
    """Where a delivery stands: `pending → sending → delivered | dead | cancelled`.

    `sending → pending` is a retry or a lost lease; a final one becomes pending again only by replay.
    "Retrying" is no status of its own: it is pending with attempts made.
    """

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more will be tried by itself."""
        return self in FINAL_STATUSES


FINAL_STATUSES = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.CANCELLED})


class Outcome(StrEnum):
    """What came of one attempt."""

    ACCEPTED = "accepted"  # 2xx
    BUSY = "busy"  # 429, 503: the target asks for patience
    ERRORED = "errored"  # any other status, redirects included
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"  # refused, broken, no such host, TLS, no HTTP
    REJECTED = "rejected"  # a status that the target's `final` names
    BLOCKED = "blocked"  # the address guard refused to dial
    LOST = "lost"  # the worker vanished during the attempt


class Refusal(StrEnum):
    """Why a request did not become an event. Nothing is stored for one."""

    MISSING = "missing"  # no signature, token or timestamp where one must be
    MALFORMED = "malformed"  # it is there, but not in the scheme's form
    STALE = "stale"  # its time is outside the tolerance
    MISMATCH = "mismatch"  # it is well formed and wrong
    UNREADABLE = "unreadable"  # the source needs JSON, and this is none
    KEYLESS = "keyless"  # the source names a key, and this request has none
    TOO_LARGE = "too_large"  # over `max_body` once unpacked
    LIMITED = "limited"  # over the source's `limit`


class Secret:
    """A value that is compared, signed with and sent, and never printed."""

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else value

    def reveal(self) -> bytes:
        """Return the value itself, for use at the very place that needs it."""
        return self._value

    def text(self) -> str:
        """Return the value as text, for a header or a URL."""
        return self._value.decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One HTTP request as a sender made it, before anything about it is believed."""

    method: str
    origin: str  # scheme and host as the sender sees them: "https://hooks.example.com"
    path: str  # raw, still percent-encoded: "/in/shop"
    query_string: str  # raw, without "?"
    headers: MultiMapping[str]  # case-insensitive
    body: bytes  # as sent: still compressed if it came compressed
    remote: str = ""  # the sender's address, trusted proxies already seen through
    token: str | None = None  # from the path or from `?token=`

    @property
    def url(self) -> str:
        """Return the whole URL as the sender called it."""
        return f"{self.origin}{self.path}?{self.query_string}" if self.query_string else self.origin + self.path


@dataclass(frozen=True, slots=True)
class Document:
    """A body as data, parsed at most once. `is_json` is false where it could not be, or need not be, read."""

    value: object = None
    is_json: bool = False


UNREAD = Document()


class Verifier(Protocol):
    """A signature scheme with its secrets in place. Source by source, found by name in the registry."""

    needs_body: ClassVar[bool]  # whether it can judge only a whole request

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Say why the request is not proven, or None if it is."""

    def sign(self, request: InboundRequest, now: datetime) -> "Proof":
        """Make what a genuine sender would add to `request`, with the first secret."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What makes a request genuine: headers to set, and a token for the URL's path."""

    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None


class Expression(Protocol):
    """A compiled expression over data. Raises `ExpressionFailed` where it cannot be evaluated."""

    @property
    def text(self) -> str:
        """Return the expression as it was written."""

    def __call__(self, data: object) -> object:
        """Evaluate over `data`."""


class Term(Protocol):
    """Where an event's type or key is found: an expression over the body, or a header."""

    @property
    def reads_body(self) -> bool:
        """Tell whether the body must be parsed for it."""

    def __call__(self, request: InboundRequest, document: Document) -> object:
        """Return the value found, or None."""


ANY_TYPE = "*"


@dataclass(frozen=True, slots=True)
class Identification:
    """How a source's requests are named: their type, their key, and for how long a repeat is a duplicate.

    `keys` and `windows` are by event type, with `ANY_TYPE` for the rest. A type without a key term is known
    by the digest of its raw body; a window of None is for ever.
    """

    type: Term | None = None
    keys: Mapping[str, Term] = field(default_factory=dict)
    windows: Mapping[str, timedelta | None] = field(default_factory=dict)
    needs_json: bool = False
    reads_body: bool = field(init=False)  # whether naming an event takes its parsed body

    def __post_init__(self) -> None:
        terms = [*self.keys.values(), *([self.type] if self.type else [])]
        object.__setattr__(self, "reads_body", self.needs_json or any(term.reads_body for term in terms))


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` things in each period of `per_s` seconds."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Route:
    """Which events of a source go to which targets."""

    name: str
    source: str
    targets: tuple["Target", ...]
    when: Expression | None = None

    @property
    def reads_body(self) -> bool:
        """Tell whether the body must be parsed to follow it."""
        return self.when is not None or any(target.order_by for target in self.targets)


@dataclass(frozen=True, slots=True)
class Source:
    """A sender we listen to, with everything needed to judge its requests."""

    name: str
    verifiers: tuple[Verifier, ...]  # every one must agree
    identification: Identification
    routes: tuple[Route, ...] = ()
    preset: str | None = None
    body_bytes_max: int = 1024 * 1024
    limit: Rate | None = None
    respond_status: int = 200
    takes_token: bool = False  # `/in/NAME/TOKEN` and `?token=` are its URL
    unkept_headers: frozenset[str] = frozenset()  # lower case: credentials, never stored
    reads_body: bool = field(init=False)  # whether the body must be parsed to accept a request
    proves_early: bool = field(init=False)  # whether a forged request can be told without its body

    def __post_init__(self) -> None:
        object.__setattr__(self, "proves_early", any(not verifier.needs_body for verifier in self.verifiers))
        reads_body = self.identification.reads_body or any(route.reads_body for route in self.routes)
        object.__setattr__(self, "reads_body", reads_body)


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
    timeout_s: float = 15.0  # one deadline: connect, send, head and body of the answer
    concurrency: int = 8
    retry: RetryPolicy = RetryPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    rate: Rate | None = None
    order_by: Expression | None = None  # over the body: deliveries with the same value go one at a time


@dataclass(frozen=True, slots=True)
class HttpTarget(Target):
    """A receiver that is called by HTTP."""

    url: str = ""
    headers: Mapping[str, Secret] = field(default_factory=dict)  # any value may be a credential
    pass_headers: tuple[str, ...] = ()
    sign_secrets: tuple[Secret, ...] = ()  # keys of Standard Webhooks, raw bytes
    allow_private: bool = False
    allow_networks: tuple[str, ...] = ()  # CIDR: private networks named one by one

    @property
    def display_url(self) -> str:
        """Return the URL as it may be shown: without its user part and query."""
        scheme, _, rest = self.url.partition("://")
        authority, slash, path = rest.partition("?")[0].partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something a source told us, once."""

    id: str  # "evt_" and 32 hex digits, the first 12 of them the time in milliseconds
    source: str
    type: str
    key: bytes  # what makes two requests the same event, within the source
    key_expires_at: datetime | None  # until when a repeat of the key is a duplicate; None: for ever
    received_at: datetime
    headers: tuple[tuple[str, str], ...]  # as they came, without credentials
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case, or None."""
        return next(self.headers_named(name), None)

    def headers_named(self, name: str) -> Iterator[str]:
        """Yield the values of every header of that name, in any case."""
        lower = name.lower()
        return (value for held, value in self.headers if held.lower() == lower)


def new_event_id(now: datetime, entropy: bytes) -> str:
    """Name an event by its time and 80 random bits: unique everywhere, and in order of arrival.

    entropy: 10 bytes. Source: the layout of RFC 9562's UUIDv7, without its fixed bits.
    """
    return f"evt_{int(now.timestamp() * 1000):012x}{entropy.hex()}"


class Verdict(StrEnum):
    """What a route said to an event."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    FAILED = "failed"  # its expression could not be evaluated: counted and shown, and the event is kept


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """A delivery that is to be stored with its event."""

    route: str
    target: str
    due_at: datetime
    deadline_at: datetime  # no attempt is planned for after it
    order: str | None = None  # of the target's deliveries with the same value one goes at a time


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an event must become, and each route's reason."""

    deliveries: tuple[PlannedDelivery, ...]
    verdicts: tuple[tuple[str, Verdict], ...]  # (route's name, what it said)


@dataclass(frozen=True, slots=True)
class Hold:
    """A time in which a target's deliveries were held. ended_at: None while it lasts."""

    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to carry a delivery, until a time."""

    worker: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one target, leased to whoever holds this."""

    id: int
    event: Event
    route: str
    target: str
    attempt: int  # the number of the attempt that the lease is for: 1, 2, …
    attempts_before: int  # those made before the last replay: the schedule starts anew with each
    planned_at: datetime
    deadline_at: datetime  # but for the time that its target was held since it was planned
    order: str | None = None

    @property
    def attempts_made(self) -> int:
        """Return how many attempts the schedule counts, this one included."""
        return self.attempt - self.attempts_before


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to carry a delivery, as it is told later."""

    number: int
    started_at: datetime
    duration_s: float
    outcome: Outcome
    status: int | None = None  # the answer's HTTP status
    detail: str = ""  # what went wrong, in words; never a secret
    excerpt: bytes = b""  # the first KiB of the answer
    retry_after_s: float | None = None  # what the target asked for, already in seconds


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that an event is on disk: it exists only after commit."""

    event_id: str
    is_duplicate: bool
    deliveries: tuple[Delivery, ...] = ()  # those leased to the caller, ready to be carried
