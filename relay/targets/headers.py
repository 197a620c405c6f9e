"""The headers of a delivery: what a target is told besides the body."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from urllib.parse import quote

from yarl import URL

from relay.domain import Call, Delivery, Event, HttpTarget
from relay.targets.auth import NO_PROOF, Errand, Proof

# They speak of one connection, or of how a message is framed on it, and would be a lie on another.
# Sources: RFC 9110, 7.6.1; RFC 9112, 6. `Expect` would have us wait for an answer before we send the body.
CONNECTION_HEADERS = frozenset(
    [
        "connection",
        "content-length",
        "expect",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)

CONTENT_TYPE = "Content-Type"
CONTENT_ENCODING = "Content-Encoding"
CONTENT_LENGTH = "Content-Length"
HOST = "Host"
AUTHORIZATION = "Authorization"
USER_AGENT = "User-Agent"
ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
SOURCE = "X-Relay-Source"
TYPE = "X-Relay-Type"
ATTEMPT = "X-Relay-Attempt"
REPLAY = "X-Relay-Replay"
HOPS = "X-Relay-Hops"

HOPS_MAX = 8  # more relays in a row are a circle

# What a reader of the documentation is told of each.
OURS = {
    ID: "the event's id, the same at every attempt and at every target: what a receiver tells repeats by",
    TIMESTAMP: "when the attempt was made, in seconds since 1970",
    SIGNATURE: "Standard Webhooks `v1`, one for each of the target's `sign.secrets`; absent where there are none",
    SOURCE: "the source's name",
    TYPE: "the event's type, `unknown` where it has none",
    ATTEMPT: "1 at the first attempt, 2 at the second, …",
    REPLAY: "`1` where this delivery was final already, after attempts, and is sent again: by a replay, or because the "
    "sender repeated an event that had died; absent otherwise",
    HOPS: "1, or one more than the event came with: what would be more than 8 goes in a circle, and is not sent",
    USER_AGENT: "`relay/VERSION`",
}

PROGRAM = f"relay/{version('callback-relay')}"

_OURS = frozenset(name.lower() for name in OURS if name != USER_AGENT)
_HOPS = HOPS.lower()
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_UNSENDABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # RFC 9110, 5.5; a lone surrogate has no bytes


class RequestHead:
    """The heads of one target's requests. What is the same for every delivery is worked out once.

    Where a header has several origins, ours stand before those that a route computes, these before the target's own,
    and those before what the event came with; what proves us stands before all of them.
    proof: what proves every request. live: what will prove each; its values do not matter here.
    """

    def __init__(self, target: HttpTarget, url: URL, proof: Proof = NO_PROOF, live: Proof = NO_PROOF) -> None:
        self._proving = frozenset(name.lower() for name, _ in (*proof.headers, *live.headers))
        fixed = [(name, value) for name, value in _fixed(target, url) if name.lower() not in self._proving]
        self._proof = proof
        self._fault = _misnamed(target) or _fault([*fixed, *proof.headers])
        self._fixed = () if self._fault else tuple(fixed)
        self._path = url.raw_path
        self._query = _joined(url.raw_query_string, _encoded(proof))
        self._begin = self._begin_of(None, NO_PROOF)
        self._passed = _passed(target, {name.lower() for name, _ in fixed} | self._proving)

    def of(self, delivery: Delivery, timestamp: int, signature: str | None, proof: Proof = NO_PROOF) -> bytes | str:
        """Return the head of an attempt's request, down to its empty line; or in words, what of it cannot be sent.

        timestamp: seconds since 1970. proof: what proves this one. Text outside ASCII goes out as UTF-8.
        """
        event, call = delivery.event, delivery.call
        begin = self._begin if call is None and not proof.query else self._begin_of(call, proof)
        fields = [
            *(self._passed_of(event) if call is None else self._computed(call, event)),
            *proof.headers,
            (ID, event.id),
            (TIMESTAMP, str(timestamp)),
            (SOURCE, event.source),
            (TYPE, event.type),
            (ATTEMPT, str(delivery.attempt)),
            (HOPS, str(hops_of(event) + 1)),
            (CONTENT_LENGTH, str(len(event.body))),
        ]
        if delivery.is_replayed:
            fields.append((REPLAY, "1"))
        if signature is not None:
            fields.append((SIGNATURE, signature))
        if (fault := self._fault or _fault(fields)) is not None:
            return fault
        return f"{begin}{_lines(fields)}\r\n".encode()

    def place_of(self, call: Call | None, proof: Proof = NO_PROOF) -> tuple[str, str]:
        """Return path and query of a request, as they are sent."""
        if call is None:
            return self._path, _joined(self._query, _encoded(proof))
        path = self._path.rstrip("/") + call.path if call.path else self._path
        return path, _joined(self._query, call.query, _encoded(proof))

    def _begin_of(self, call: Call | None, proof: Proof) -> str:
        """Begin a head: what its route sets stands in place of what the target sets."""
        computed = {name.lower() for name, _ in call.headers} if call else frozenset()
        fixed = [(name, value) for name, value in self._fixed if name.lower() not in computed]
        path, query = self.place_of(call, proof)
        method = call.method if call else "POST"
        line = f"{method} {path}{'?' if query else ''}{query} HTTP/1.1\r\n"
        return line + _lines([*fixed, *(() if self._fault else self._proof.headers)])

    def _computed(self, call: Call, event: Event) -> Iterator[tuple[str, str]]:
        """Yield what a route sets, and what goes with the event beside it."""
        computed = {name.lower() for name, _ in call.headers}
        never = CONNECTION_HEADERS | _OURS | self._proving
        yield from ((name, value) for name, value in call.headers if name.lower() not in never)
        yield from ((name, value) for name, value in self._passed_of(event) if name.lower() not in computed)

    def _passed_of(self, event: Event) -> Iterator[tuple[str, str]]:
        """Yield what goes with an event of its own headers."""
        has_type = False
        for held, value in event.headers:
            name = self._passed.get(held.lower())
            if name is None or (name is CONTENT_TYPE and has_type):  # a body has one type
                continue
            has_type = has_type or name is CONTENT_TYPE
            yield name, value


def hops_of(event: Event) -> int:
    """Return through how many relays an event has come, at most as many as it may."""
    value = next((value for name, value in event.headers if len(name) == len(HOPS) and name.lower() == _HOPS), "")
    return min(int(value), HOPS_MAX) if value.isascii() and value.isdigit() and len(value) <= 3 else 0


def errand_head(errand: Errand, url: URL) -> bytes | None:
    """Return the head of a request that fetches a proof; None where HTTP cannot carry it."""
    set_here = {name.lower() for name, _ in errand.headers}
    user = [] if url.raw_user is None else [_basic(url)]
    ours = [(HOST, url.host_port_subcomponent or ""), ("Accept", "application/json"), (USER_AGENT, PROGRAM), *user]
    fields = [
        *((name, value) for name, value in ours if name.lower() not in set_here),
        *errand.headers,
        (CONTENT_LENGTH, str(len(errand.body))),
    ]
    if _fault(fields) is not None:
        return None
    return f"{errand.method} {url.raw_path_qs} HTTP/1.1\r\n{_lines(fields)}\r\n".encode()


def _joined(*queries: str) -> str:
    return "&".join(filter(None, queries))


def _encoded(proof: Proof) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in proof.query)


def _basic(url: URL) -> tuple[str, str]:
    return AUTHORIZATION, "Basic " + b64encode(f"{url.user}:{url.password or ''}".encode()).decode()


def _fixed(target: HttpTarget, url: URL) -> Iterator[tuple[str, str]]:
    """Yield what is the same for every delivery: what the URL says, what the file says, and who we are."""
    configured = {name.lower() for name in target.headers}
    if "host" not in configured:
        yield HOST, url.host_port_subcomponent or ""
    if url.raw_user is not None and AUTHORIZATION.lower() not in configured:
        yield _basic(url)
    for name, secret in target.headers.items():
        if name.lower() not in CONNECTION_HEADERS | _OURS:
            yield name, secret.reveal().decode("utf-8", "surrogateescape")  # what is no text shows as unsendable
    if USER_AGENT.lower() not in configured:
        yield USER_AGENT, PROGRAM


def _passed(target: HttpTarget, fixed: set[str]) -> Mapping[str, str]:
    """Return the names of headers to be passed, each by its lower case."""
    passed: dict[str, str] = {}
    for name in (CONTENT_TYPE, CONTENT_ENCODING, *target.pass_headers):
        if name.lower() not in CONNECTION_HEADERS | _OURS | fixed | {"host"} and _is_name(name):
            passed.setdefault(name.lower(), name)
    return passed


def _lines(fields: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in fields])


def _misnamed(target: HttpTarget) -> str | None:
    """Say which configured header has a name that is none, or None."""
    return next((f"{name!r} is no name for a header" for name in target.headers if not _is_name(name)), None)


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _fault(fields: Iterable[tuple[str, str]]) -> str | None:
    """Say which header HTTP cannot carry, or None where it can carry all. Never repeats a value: it may be secret."""
    for name, value in fields:
        if not value.isprintable() and _UNSENDABLE.search(value):  # the first test is quick, and mostly enough
            return f"header {name} holds a character that HTTP cannot carry"
    return None
