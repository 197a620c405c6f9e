"""Senders as vendors are: they sign, they number, and they send again until they hear 200."""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession

from tests.acceptance.program import session
from tests.acceptance.sink import digest
from tests.patience import WAIT_S_MAX

SHOP_SECRET = "shop-secret-0123456789"
GETAROUND_SECRET = "getaround-secret-0123456789"
SENDERS = 6
AGAIN_AFTER_S = 0.05
BETWEEN_S = 0.005  # some hundred events a second: whoever is killed has some under way, and others can work, too
FILLER = "x" * 1500

SOURCES = {
    "shop": {"verify": {"scheme": "hmac", "header": "X-Signature"}, "secret": SHOP_SECRET, "key": "id", "type": "kind"},
    "getaround": {"preset": "getaround", "secret": GETAROUND_SECRET},
}


@dataclass(frozen=True, slots=True)
class Sending:
    """One event as its vendor sends it, each time the same."""

    source: str
    body: bytes
    signature: tuple[str, str]


def a_shop_event(number: int) -> Sending:
    body = json.dumps({"id": f"order-{number}", "kind": "order.paid", "filler": FILLER}).encode()
    signature = hmac.new(SHOP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Sending("shop", body, ("X-Signature", signature))


def a_booking(number: int) -> Sending:
    data = {"rental_id": number}
    body = json.dumps({"type": "rental.booked", "data": data, "occurred_at": "2026-07-01T12:00:00Z"}).encode()
    signature = hmac.new(GETAROUND_SECRET.encode(), body, hashlib.sha1).hexdigest()
    return Sending("getaround", body, ("X-Drivy-Signature", f"sha1={signature}"))


def both() -> Iterator[Sending]:
    """Number events of both vendors, without end."""
    return (make(number) for number in itertools.count(1) for make in (a_shop_event, a_booking))


@dataclass(slots=True)
class Ledger:
    """What the relay has promised: under which ids it acknowledged each body."""

    ids: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by the body's digest
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0

    @property
    def promised(self) -> set[tuple[str, str]]:
        return {(event_id, body) for body, ids in self.ids.items() for event_id in ids}

    @property
    def named_twice(self) -> dict[str, set[str]]:
        return {body: ids for body, ids in self.ids.items() if len(ids) > 1}


@dataclass(slots=True)
class Vendors:
    """Several senders at once, each with one event under way; `urls` are taken in turn."""

    urls: Sequence[str]
    events: Iterator[Sending] = field(default_factory=both)
    ledger: Ledger = field(default_factory=Ledger)
    _is_over: bool = False

    async def send_until_over(self, http: ClientSession, number: int) -> None:
        """Send one event after the other; the last one, too, until it is acknowledged."""
        url = self.urls[number % len(self.urls)]
        while not self._is_over:
            sending = next(self.events)
            while not await self._is_acknowledged(http, url, sending):
                await asyncio.sleep(AGAIN_AFTER_S)
            await asyncio.sleep(BETWEEN_S)

    async def have_been_promised(self, events: int) -> None:
        """Come back once so many events are acknowledged, of all that were sent."""
        async with asyncio.timeout(WAIT_S_MAX):
            while len(self.ledger.ids) < events:
                await asyncio.sleep(0.01)

    async def have_been_refused(self) -> None:
        """Come back once an event was refused for the store's sake."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not self.ledger.statuses[503]:
                await asyncio.sleep(0.01)

    def finish(self) -> None:
        """Begin no more events."""
        self._is_over = True

    async def _is_acknowledged(self, http: ClientSession, url: str, sending: Sending) -> bool:
        headers = {"Content-Type": "application/json", sending.signature[0]: sending.signature[1]}
        try:
            async with http.post(f"{url}/in/{sending.source}", data=sending.body, headers=headers) as answer:
                self.ledger.statuses[answer.status] += 1
                if answer.status != 200:
                    return False
                self.ledger.ids[digest(sending.body)].add((await answer.json())["id"])
                return True
        except (ClientError, TimeoutError):  # the relay is down, or died before it answered
            self.ledger.unanswered += 1
            return False


@asynccontextmanager
async def load(vendors: Vendors) -> AsyncIterator[None]:
    """Send while something happens, and afterwards until each begun event is acknowledged."""
    async with session() as http, asyncio.TaskGroup() as senders:
        for number in range(SENDERS):
            senders.create_task(vendors.send_until_over(http, number))
        try:
            yield
        finally:
            vendors.finish()


def every(count: int) -> Callable[[], bool]:
    """Say yes once in so many times."""
    calls = itertools.count(1)
    return lambda: next(calls) % count == 0
