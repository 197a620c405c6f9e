"""An S3 server that verifies signatures (moto's), and servers that answer as one does that is unwell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from relay.domain import Content, Outcome, RetryPolicy, S3Target, Secret
from relay.expressions import compile_expression
from relay.targets.s3 import S3Sender
from relay.templates import compile_path
from tests.patience import WAIT_S_MAX
from tests.receiver import Answer, hangs, receiving, resets, says
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, SetScene, Stage, none


def sender_to(props: Props, url: str, **settings: Any) -> S3Sender:
    chosen = {
        "key": compile_path(f"{props.folder.name}/{{source}}/{{id}} é+.json"),
        "region": "eu-west-3",
        "access_key": Secret("an-access-key"),
        "secret_key": Secret("s3cret-k3y"),
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        "retry": RetryPolicy(final=frozenset()),
        **settings,
    }
    return S3Sender(S3Target("erp", url=url, **chosen), props.clock)


def serving(bucket: str = "invoices", secret: str = "", **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        server = props.servers.s3

        async def count() -> int:
            return len(await asyncio.to_thread(server.keys, f"{props.folder.name}/"))

        keys = {"access_key": Secret(server.access_key), "secret_key": Secret(secret or server.secret_key)}
        yield Scene(sender_to(props, f"{server.url}/{bucket}", **keys, **settings), count)

    return scene


def answering(answer: Answer, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        async with receiving(answer) as receiver:
            yield Scene(sender_to(props, f"http://127.0.0.1:{receiver.port}/b", **settings), none)

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(sender_to(props, f"http://{place}/b", **settings), none)

    return scene


STAGE = Stage(
    accepts=serving(),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "refuses the signature": (serving(secret="s3cond-k3y"), Outcome.ERRORED),
        "has no such bucket": (serving("nowhere"), Outcome.ERRORED),
        "resets": (answering(resets), Outcome.UNREACHABLE),
        "hangs": (answering(hangs, timeout_s=TIMEOUT_S), Outcome.TIMED_OUT),
        "busy": (answering(says("503 Slow Down")), Outcome.BUSY),
        "in another region": (answering(says("301 X", "Location: /")), Outcome.ERRORED),
        "holds nothing of it": (serving(content=Content(compile_expression("data"))), Outcome.BLOCKED),
    },
    repeats=1,
    secrets=("s3cret-k3y", "s3cond-k3y"),
)
