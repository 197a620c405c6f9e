"""Who sends to us: their requests, how those are proven and named, and where they go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from multidict import MultiMapping

from relay.domain.frozen import value
from relay.domain.shapes import Shape
from relay.domain.targets import Target
from relay.domain.values import Document, Expression, Rate, Secret


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


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """What is missing to judge a request: the public key in a certificate, whose address its scheme has found fit.

    owner: what the certificate's name must end with.
    """

    url: str
    owner: str


@value(frozen=True, slots=True)
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
    key: bytes | None = None  # the public key that was wanted for it: SPKI in DER

    @property
    def url(self) -> str:
        """Return the whole URL as the sender called it."""
        return f"{self.origin}{self.path}?{self.query_string}" if self.query_string else self.origin + self.path


class Verifier(Protocol):
    """A signature scheme with its secrets in place. Source by source, found by name in the registry."""

    needs_body: ClassVar[bool]  # whether it can judge only a whole request

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | KeyWanted | None:
        """Say why the request is not proven, or what is missing to tell, or None if it is."""

    def sign(self, request: InboundRequest, now: datetime) -> "Proof":
        """Make what a genuine sender would add to `request`, with the first secret."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What makes a request genuine: headers to set, a token for the URL's path, and a body that holds a signature."""

    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    body: bytes | None = None  # None: as it was


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handshake is answered with."""

    status: int
    body: bytes
    content_type: str
    offered: Secret | None = None  # what the vendor will sign with: kept for the operator, and never said


class Greeting(Protocol):
    """How a source's vendor finds out that an address is ours. What is answered so is no event."""

    def answer_head(self, request: InboundRequest) -> Answer | Refusal | None:
        """Answer a GET or HEAD; None: this vendor asks no such question."""

    def answer_proven(self, document: Document, key: int) -> Answer | None:
        """Answer a POST that has been proven by the secret at a position, from 1; None: it is an event."""

    def answer_unproven(self, request: InboundRequest) -> Answer | None:
        """Answer a POST that is not proven, but names a secret of ours, or offers the first; None: it is refused."""


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
class Route:
    """Which events of a source go to which targets."""

    name: str
    source: str
    targets: tuple[Target, ...]
    when: Expression | None = None
    shape: Shape | None = None  # what is sent in place of the event as it came

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
    tells_nothing: bool = False  # what it sends is answered without a body, also where it is refused
    expect_every: timedelta | None = None  # how often something comes at least
    takes_token: bool = False  # `/in/NAME/TOKEN` and `?token=` are its URL
    unkept_headers: frozenset[str] = frozenset()  # lower case: credentials, never stored
    proving_headers: frozenset[str] = frozenset()  # lower case: these, and what its schemes read; never shown
    greeting: Greeting | None = None
    batch: Expression | None = None  # finds the events that one request carries; None: a request is one
    keyrings: tuple[tuple[Verifier, ...], ...] = ()  # where there are several secrets: what each of them proves alone
    has_secret: bool = False
    reads_body: bool = field(init=False)  # whether the body must be parsed to accept a request
    proves_early: bool = field(init=False)  # whether a forged request can be told without its body

    def __post_init__(self) -> None:
        object.__setattr__(self, "proves_early", any(not verifier.needs_body for verifier in self.verifiers))
        is_read_whole = self.greeting is not None or self.batch is not None
        reads_body = is_read_whole or self.identification.reads_body or any(route.reads_body for route in self.routes)
        object.__setattr__(self, "reads_body", reads_body)
