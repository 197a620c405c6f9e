"""What the senders send: three sources, each with its own way to sign, to name and to pack its events."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.ledger import Sent

FAST, SLOW, FAILING = "fast", "slow", "failing"
SLOW_EACH, FAILING_EACH = 20, 8  # every how many events go there, too: these targets cannot take all
BATCH_ITEMS = 40
FILLER = "x" * 1500
SECRET = "a-secret-of-the-fault-tests"
SIGNED = {"scheme": "hmac", "header": "X-Signature"}
ALGORITHMS = {"shop": "sha256", "getaround": "sha1", "till": "sha256"}
HEADERS = {"shop": "X-Signature: ", "getaround": "X-Drivy-Signature: sha1=", "till": "X-Signature: "}

SOURCES: dict[str, Any] = {
    "shop": {"verify": SIGNED, "secrets": [SECRET], "key": "id", "type": "kind"},
    "getaround": {"preset": "getaround", "secrets": [SECRET]},
    "till": {"verify": SIGNED, "secrets": [SECRET], "key": "id", "batch": "events"},
}
ROUTES: list[dict[str, Any]] = [
    {"from": list(SOURCES), "to": FAST},
    {"from": list(SOURCES), "when": "contains(data.to, 'slow')", "to": SLOW},
    {"from": list(SOURCES), "when": "contains(data.to, 'failing')", "to": FAILING},
]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, each time the same. events: those that it carries, in their order."""

    source: str
    body: bytes
    events: tuple[Sent, ...]

    def without(self, targets: AbstractSet[str]) -> "Request":
        """Return it as it is while these targets are not configured: its events go to the others alone."""
        if not targets:
            return self
        left = (replace(sent, targets=tuple(set(sent.targets) - targets)) for sent in self.events)
        return replace(self, events=tuple(left))

    def signed(self, secret: str) -> bytes:
        """Return it as it goes over the wire."""
        signature = hmac.new(secret.encode(), self.body, ALGORITHMS[self.source]).hexdigest()
        head = (
            f"POST /in/{self.source} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"{HEADERS[self.source]}{signature}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


def in_turn() -> Iterator[Request]:
    """Number the events of all sources, without end: an order, a booking, and a batch of receipts."""
    numbers = itertools.count(1)
    while True:
        yield _alone("shop", _order(next(numbers)))
        yield _alone("getaround", _booking(next(numbers)))
        yield _packed([_receipt(next(numbers)) for _ in range(BATCH_ITEMS)])


def one_of_a_kind(key: str) -> Request:
    """Make an event with a key and a type of its own, which goes to the fast target alone."""
    return _alone("shop", (key, [FAST], {"id": key, "kind": key, "data": {"to": []}}))


Named = tuple[str, Sequence[str], dict[str, Any]]  # its key, where it goes, and what it says


def _order(number: int) -> Named:
    key, to = f"order-{number}", _targets(number)
    return key, to, {"id": key, "kind": "order.paid", "data": {"to": to}, "filler": FILLER}


def _booking(number: int) -> Named:
    to = _targets(number)
    data = {"rental_id": number, "to": to}
    return f"booking-{number}", to, {"type": "rental.booked", "data": data, "occurred_at": "2026-07-01T12:00:00Z"}


def _receipt(number: int) -> Named:
    key, to = f"receipt-{number}", _targets(number)
    return key, to, {"id": key, "data": {"to": to}}


def _targets(number: int) -> list[str]:
    return [FAST, *([SLOW] if number % SLOW_EACH == 0 else []), *([FAILING] if number % FAILING_EACH == 0 else [])]


def _alone(source: str, event: Named) -> Request:
    body, sent = _written(event)
    return Request(source, body, (sent,))


def _packed(events: Sequence[Named]) -> Request:
    """Pack events as the relay takes them apart: each item, compact, is a body."""
    written = [_written(event) for event in events]
    body = b'{"events":[' + b",".join(body for body, _ in written) + b"]}"
    return Request("till", body, tuple(sent for _, sent in written))


def _written(event: Named) -> tuple[bytes, Sent]:
    key, to, document = event
    body = json.dumps(document, separators=(",", ":")).encode()
    return body, Sent(key, hashlib.sha256(body).digest(), tuple(to))
