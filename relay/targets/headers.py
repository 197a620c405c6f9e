"""The headers of a delivery: what a target is told besides the body."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version

from multidict import CIMultiDict, istr
from yarl import URL

from relay.domain import Delivery, Event, HttpTarget

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

CONTENT_TYPE = istr("Content-Type")
CONTENT_ENCODING = istr("Content-Encoding")
CONTENT_LENGTH = istr("Content-Length")
AUTHORIZATION = istr("Authorization")
USER_AGENT = istr("User-Agent")
ID = istr("webhook-id")
TIMESTAMP = istr("webhook-timestamp")
SIGNATURE = istr("webhook-signature")
SOURCE = istr("X-Relay-Source")
TYPE = istr("X-Relay-Type")
ATTEMPT = istr("X-Relay-Attempt")

# What a reader of the documentation is told of each.
OURS = {
    ID: "the event's id, the same at every attempt and at every target: what a receiver tells repeats by",
    TIMESTAMP: "when the attempt was made, in seconds since 1970",
    SIGNATURE: "Standard Webhooks `v1`, one for each of the target's `sign.secrets`; absent where there are none",
    SOURCE: "the source's name",
    TYPE: "the event's type, `unknown` where it has none",
    ATTEMPT: "1 at the first attempt, 2 at the second, …",
    USER_AGENT: "`relay/VERSION`",
}

PROGRAM = f"relay/{version('callback-relay')}"

_NEVER_PASSED = CONNECTION_HEADERS | {"host"} | {name.lower() for name in (ID, TIMESTAMP, SIGNATURE)}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_UNSENDABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # RFC 9110, 5.5; a lone surrogate has no bytes


class RequestHeaders:
    """One target's headers. What is the same for every delivery is worked out once.

    Where a header has several origins, ours stand before configured ones, and those before what the event came with.
    """

    def __init__(self, target: HttpTarget, url: URL) -> None:
        self._fixed = CIMultiDict(_fixed(target, url))
        self._passed = _passed(target, self._fixed)
        self._fault = next((f"{name!r} is no name for a header" for name in target.headers if not _is_name(name)), None)

    def of(self, delivery: Delivery, now: datetime) -> CIMultiDict[str] | str:
        """Return the headers of an attempt, without the signature; or in words, which of them cannot be sent.

        Text outside ASCII goes out as UTF-8.
        """
        headers = self._fixed.copy()
        self._add_passed(delivery.event, headers)
        headers[ID] = delivery.event.id
        headers[TIMESTAMP] = str(int(now.timestamp()))
        headers[SOURCE] = delivery.event.source
        headers[TYPE] = delivery.event.type
        headers[ATTEMPT] = str(delivery.attempt)
        headers[CONTENT_LENGTH] = str(len(delivery.event.body))
        headers.setdefault(USER_AGENT, PROGRAM)
        return self._fault or _fault(headers) or headers

    def _add_passed(self, event: Event, headers: CIMultiDict[str]) -> None:
        for held, value in event.headers:
            name = self._passed.get(held.lower())
            if name is not None and not (name is CONTENT_TYPE and name in headers):  # a body has one type
                headers.add(name, value)


def _fixed(target: HttpTarget, url: URL) -> Iterator[tuple[istr, str]]:
    """Yield what a target's configuration sets, its URL's user part included."""
    configured = {istr(name): secret.reveal() for name, secret in target.headers.items()}
    if url.raw_user is not None and AUTHORIZATION not in CIMultiDict(configured):
        yield AUTHORIZATION, "Basic " + b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    for name, value in configured.items():
        if name.lower() not in CONNECTION_HEADERS:
            yield name, value.decode("utf-8", "surrogateescape")  # what is no text shows as unsendable


def _passed(target: HttpTarget, fixed: CIMultiDict[str]) -> Mapping[str, istr]:
    """Return the names of headers to be passed, each by its lower case."""
    names = (CONTENT_TYPE, CONTENT_ENCODING, *map(istr, target.pass_headers))
    passed: dict[str, istr] = {}
    for name in names:
        if name.lower() not in _NEVER_PASSED and name not in fixed:
            passed.setdefault(name.lower(), name)
    return passed


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _fault(headers: CIMultiDict[str]) -> str | None:
    """Say which header HTTP cannot carry, or None where it can carry all. Never repeats a value: it may be secret."""
    for name, value in headers.items():
        if not value.isprintable() and _UNSENDABLE.search(value):  # the first test is quick, and mostly enough
            return f"header {name} holds a character that HTTP cannot carry"
    return None
