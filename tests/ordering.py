"""A target that wants what belongs together in order and one at a time, fails at random, and notes every breach."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession, web

AGAIN_AFTER_S = 0.05
SOURCES = {"shop": {"verify": "none", "key": "[rental, number]"}}


def target(url: str) -> dict[str, Any]:
    """Configure the target: it fails too often for a breaker."""
    return {
        "url": url,
        "allow_private": True,
        "order_by": "rental",
        "concurrency": 32,
        "retry": {"base": "50ms", "cap": "100ms", "max_age": "1h"},
        "breaker": {"failures": 1_000_000},
    }


@dataclass(slots=True)
class Witness:
    """What the target saw. share: of requests that fail."""

    share: float
    chance: random.Random
    taken: Counter[int] = field(default_factory=Counter)  # the last number of each rental
    failures: int = 0
    breaches: list[str] = field(default_factory=list)
    _under_way: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    async def take(self, http: web.Request) -> web.Response:
        """Take one delivery; answer after others had their turn."""
        told = await http.json()
        rental, number = told["rental"], told["number"]
        self._under_way[rental] += 1
        try:
            await asyncio.sleep(0)
            if self._under_way[rental] > 1:
                self.breaches.append(f"{self._under_way[rental]} of rental {rental} at a time, {number} among them")
            return self._answer(rental, number)
        finally:
            self._under_way[rental] -= 1

    def _answer(self, rental: int, number: int) -> web.Response:
        if number != self.taken[rental] + 1:
            self.breaches.append(f"rental {rental}: {number} after {self.taken[rental]}")
        if self.chance.random() < self.share:
            self.failures += 1
            return web.Response(status=500)
        self.taken[rental] = number
        return web.Response()


async def tell(http: ClientSession, urls: Sequence[str], rentals: Iterator[int], count: int) -> None:
    """Send what happens to one rental after the other, each of its events to the next relay in turn.

    An event is sent once the one before it is acknowledged: only so does it have a place in an order.
    """
    for rental in rentals:
        for number in range(1, count + 1):
            while not await _is_acknowledged(http, urls[number % len(urls)], {"rental": rental, "number": number}):
                await asyncio.sleep(AGAIN_AFTER_S)


async def _is_acknowledged(http: ClientSession, url: str, event: dict[str, int]) -> bool:
    with suppress(ClientError, TimeoutError):
        async with http.post(f"{url}/in/shop", json=event) as answer:
            return answer.status == 200
    return False
