"""A server that speaks HTTP, well or badly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from relay.domain import HttpTarget, Outcome, RetryPolicy, Secret
from relay.targets.http import HttpSender
from tests.patience import WAIT_S_MAX
from tests.receiver import Answer, hangs, receiving, resets, says
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, SetScene, Stage, none

SECRETS = ("us3r", "pa55", "qu3ry", "h3ader")


def _sender(props: Props, place: str, **settings: Any) -> HttpSender:
    chosen = {
        "headers": {"X-Key": Secret("h3ader")},
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        "retry": RetryPolicy(final=frozenset({410})),
        **settings,
    }
    return HttpSender(HttpTarget("erp", url=f"http://us3r:pa55@{place}/?key=qu3ry", **chosen), props.clock)


def answering(answer: Answer, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        async with receiving(answer) as receiver:

            async def count() -> int:
                return len(receiver.requests)

            yield Scene(_sender(props, f"127.0.0.1:{receiver.port}", **settings), count)

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(_sender(props, place, **settings), none)

    return scene


STAGE = Stage(
    accepts=answering(says()),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "no such name": (at("nowhere.invalid"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "resets": (answering(resets), Outcome.UNREACHABLE),
        "hangs": (answering(hangs, timeout_s=TIMEOUT_S), Outcome.TIMED_OUT),
        "busy": (answering(says("503 Busy")), Outcome.BUSY),
        "broken": (answering(says("500 Oops")), Outcome.ERRORED),
        "refuses for good": (answering(says("410 Gone")), Outcome.REJECTED),
    },
    repeats=2,  # a receiver knows a repeat by its `webhook-id`
    secrets=SECRETS,
)
