"""A Redis that takes entries, is full, lets nobody in, hangs, or is not there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from relay.domain import Content, Outcome, RedisTarget, Secret, TlsFiles
from relay.expressions import compile_expression
from relay.targets.redis import RedisSender
from relay.templates import compile_template
from tests.mail import SELF_SIGNED
from tests.patience import WAIT_S_MAX
from tests.receiver import closes, hangs, receiving
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, SetScene, Stage, none

USER, PASSWORD = "us3r", "pa55word"


def sender_to(props: Props, url: str, **settings: Any) -> RedisSender:
    chosen = {
        "stream": compile_template(f"{props.folder}:{{source}}"),
        "user": Secret(USER),
        "password": Secret(PASSWORD),
        "tls": settings.pop("files", TlsFiles(ca=SELF_SIGNED)),
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        **settings,
    }
    return RedisSender(RedisTarget("erp", url=url, **chosen), props.clock)


@asynccontextmanager
async def looking(props: Props) -> AsyncIterator[Any]:
    async with Redis(port=props.servers.redis, username=USER, password=PASSWORD) as redis:
        yield redis


def serving(before: tuple[Any, ...] = (), after: tuple[Any, ...] = (), tls: bool = False, **settings: Any) -> SetScene:
    """Set a scene with a real Redis. before, after: commands for it."""

    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        place = (
            f"rediss://localhost:{props.servers.redis + 1}/0" if tls else f"redis://127.0.0.1:{props.servers.redis}/0"
        )
        async with looking(props) as redis:

            async def count() -> int:
                return int(await redis.xlen(f"{props.folder}:shop"))

            if before:
                await redis.execute_command(*(str(word).format(folder=props.folder) for word in before))
            try:
                yield Scene(sender_to(props, place, **settings), count)
            finally:
                if after:
                    await redis.execute_command(*after)
                await redis.delete(f"{props.folder}:shop")

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(sender_to(props, f"redis://{place}", **settings), none)

    return scene


@asynccontextmanager
async def says_nothing(props: Props) -> AsyncIterator[Scene]:
    async with receiving(hangs) as receiver:
        yield Scene(sender_to(props, f"redis://127.0.0.1:{receiver.port}", timeout_s=TIMEOUT_S), none)


@asynccontextmanager
async def hangs_up(props: Props) -> AsyncIterator[Scene]:
    async with receiving(closes) as receiver:
        yield Scene(sender_to(props, f"redis://127.0.0.1:{receiver.port}"), none)


STAGE = Stage(
    accepts=serving(),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "no such name": (at("nowhere.invalid:6379"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "private by name": (at("localhost:1", allow_private=False), Outcome.BLOCKED),
        "hangs": (says_nothing, Outcome.TIMED_OUT),
        "refuses the login": (serving(password=Secret("s3cond")), Outcome.UNREACHABLE),
        "has a certificate of nobody": (serving(tls=True, files=TlsFiles()), Outcome.UNREACHABLE),
        "full": (serving(("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")), Outcome.BUSY),
        "holds something else": (serving(("SET", "{folder}:shop", "x")), Outcome.ERRORED),
        "allows no entries": (serving(user=Secret("reader")), Outcome.ERRORED),
        "holds nothing of it": (serving(content=Content(compile_expression("data"))), Outcome.BLOCKED),
    },
    repeats=2,  # with the same id among its fields
    secrets=(PASSWORD, "s3cond"),
)
