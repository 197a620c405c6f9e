"""Another relay, the real program; and servers that answer as one does that is unwell."""

import base64
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from relay.domain import Outcome, RelayTarget, RetryPolicy, Secret
from relay.targets.relay import RelaySender
from tests.patience import WAIT_S_MAX
from tests.receiver import Answer, hangs, receiving, resets, says
from tests.senders import TIMEOUT_S
from tests.servers import UPSTREAM_SECRET
from tests.stages import Props, Scene, SetScene, Stage, none

KEY = base64.b64decode(UPSTREAM_SECRET.removeprefix("whsec_"))
ANOTHER = b"another-key-of-24-bytes!"


def sender_to(props: Props, url: str, **settings: Any) -> RelaySender:
    chosen = {
        "sign_secrets": (Secret(KEY),),
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        "retry": RetryPolicy(final=frozenset({410})),
        **settings,
    }
    return RelaySender(RelayTarget("erp", url=url, **chosen), props.clock)


def events_in(database: Path) -> int:
    """Count what a relay has stored."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM events").fetchone()
        return int(count)


def serving(source: str = "upstream", **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        url, database = props.servers.relay
        before = events_in(database)

        async def count() -> int:
            return events_in(database) - before

        yield Scene(sender_to(props, f"{url}/in/{source}", **settings), count)

    return scene


def answering(answer: Answer, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        async with receiving(answer) as receiver:
            yield Scene(sender_to(props, receiver.url, **settings), none)

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(sender_to(props, f"http://{place}/in/upstream", **settings), none)

    return scene


STAGE = Stage(
    accepts=serving(),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "knows us not": (serving("strict", sign_secrets=(Secret(ANOTHER),)), Outcome.ERRORED),
        "has no such source": (serving("nobody"), Outcome.ERRORED),
        "resets": (answering(resets), Outcome.UNREACHABLE),
        "hangs": (answering(hangs, timeout_s=TIMEOUT_S), Outcome.TIMED_OUT),
        "cannot commit": (answering(says("503 Busy", "Retry-After: 5")), Outcome.BUSY),
        "is gone": (answering(says("410 Gone")), Outcome.REJECTED),
    },
    repeats=1,
    secrets=(UPSTREAM_SECRET, ANOTHER.decode()),
)
