"""A sender of every kind of target, and what its tests do with one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from relay.domain import Attempt, Delivery, Event, HttpTarget
from relay.targets.http import HttpSender
from relay.targets.protocol import Sender
from tests.builders import an_event
from tests.conftest import START, ManualClock
from tests.patience import WAIT_S_MAX

TIMEOUT_S = 0.15  # of a target that does not answer
ENOUGH_S = 1.0  # of one that begins to answer, and does not end

Opener = Callable[..., Sender]


def an_http_target(url: str, **settings: Any) -> HttpTarget:
    chosen = {"allow_private": True, "timeout_s": WAIT_S_MAX, **settings}
    return HttpTarget(name="erp", url=url, **chosen)


def an_http_sender(clock: ManualClock, url: str, **settings: Any) -> Sender:
    return HttpSender(an_http_target(url, **settings), clock)


SENDERS: dict[str, Opener] = {"http": an_http_sender}


def a_delivery(event: Event | None = None, *, attempt: int = 1) -> Delivery:
    return Delivery(1, event or an_event(), "route", "erp", attempt, 0, START, START + timedelta(days=3))


@asynccontextmanager
async def opened(sender: Sender) -> AsyncIterator[Sender]:
    try:
        yield sender
    finally:
        await sender.close()


async def send_once(sender: Sender, delivery: Delivery | None = None) -> Attempt:
    async with opened(sender):
        return await sender.send(delivery or a_delivery())
