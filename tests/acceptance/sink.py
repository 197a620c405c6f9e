"""A receiver that remembers each delivery, and that can be told to fail or to keep its callers waiting."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from tests.patience import WAIT_S_MAX

BODY_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery that was answered 200."""

    event_id: str
    digest: str  # SHA-256 of the body, in hex
    body_bytes: int
    headers: Mapping[str, str]
    at_s: float  # by the loop's clock


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass(slots=True)
class Sink:
    """A target. `fails` is asked before each delivery; what waits at `gate`, or for `takes_s`, is under way."""

    url: str = ""
    takes_s: float = 0.0
    fails: Callable[[], bool] = lambda: False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, http: web.Request) -> web.Response:
        """Take one delivery."""
        body = await http.read()
        await self._count_in(1)
        try:
            await self.gate.wait()
            if self.takes_s:
                await asyncio.sleep(self.takes_s)
        finally:
            await self._count_in(-1)
        if self.fails():
            return web.Response(status=500, text="not now")
        now_s = asyncio.get_running_loop().time()
        arrival = Arrival(http.headers["webhook-id"], digest(body), len(body), http.headers, now_s)
        async with self._news:
            self.arrivals.append(arrival)
            self._news.notify_all()
        return web.Response(text="thank you")

    async def _count_in(self, change: int) -> None:
        async with self._news:
            self.under_way += change
            self._news.notify_all()

    async def has(self, event_id: str) -> Arrival:
        """Wait for an event to arrive; return its first arrival."""
        await self._until(lambda: event_id in self.ids)
        return next(arrival for arrival in self.arrivals if arrival.event_id == event_id)

    async def counts(self, count: int) -> None:
        """Come back once so many deliveries have arrived."""
        await self._until(lambda: len(self.arrivals) >= count)

    async def keeps_somebody_waiting(self) -> None:
        """Come back once a delivery is under way."""
        await self._until(lambda: self.under_way > 0)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S_MAX), self._news:
            await self._news.wait_for(is_so)

    @property
    def ids(self) -> set[str]:
        return {arrival.event_id for arrival in self.arrivals}

    @property
    def named_twice(self) -> dict[str, set[str]]:
        """The bodies that came as more than one event, with these events' ids."""
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for arrival in self.arrivals:
            ids[arrival.digest].add(arrival.event_id)
        return {body: named for body, named in ids.items() if len(named) > 1}

    @property
    def doubled(self) -> int:
        """How many deliveries came again after they had been taken: allowed, and worth knowing."""
        return len(self.arrivals) - len({(arrival.event_id, arrival.digest) for arrival in self.arrivals})


@asynccontextmanager
async def receiving() -> AsyncIterator[Sink]:
    """Run a sink on loopback, its gate open."""
    sink = Sink()
    sink.gate.set()
    application = web.Application(client_max_size=BODY_BYTES_MAX)
    application.router.add_post("/", sink.take)
    async with TestServer(application, access_log=None) as server:
        sink.url = str(server.make_url("/"))
        yield sink
        sink.gate.set()


@asynccontextmanager
async def receiving_by(take: Handler) -> AsyncIterator[str]:
    """Run a receiver of one's own; return its URL."""
    application = web.Application()
    application.router.add_post("/", take)
    async with TestServer(application, access_log=None) as server:
        yield str(server.make_url("/"))
