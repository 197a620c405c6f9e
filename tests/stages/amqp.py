"""A RabbitMQ that takes messages, is full, knows no queue or exchange, lets nobody in, hangs, or is not there."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiormq
from yarl import URL

from relay.domain import AmqpTarget, Content, Outcome, Secret, TlsFiles
from relay.expressions import compile_expression
from relay.targets.amqp import AmqpSender
from relay.templates import compile_template
from tests.cutting import cable_to
from tests.mail import SELF_SIGNED
from tests.patience import WAIT_S_MAX
from tests.rabbit import PASSWORD, READER, USER
from tests.receiver import hangs, receiving
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, SetScene, Stage, none


def place_of(props: Props) -> str:
    """Return a name that no other test has."""
    return re.sub(r"[^A-Za-z0-9]", "-", str(props.folder))


def sender_to(props: Props, url: str, **settings: Any) -> AmqpSender:
    chosen = {
        "exchange": place_of(props),
        "routing_key": compile_template("events.{source}"),
        "user": Secret(USER),
        "password": Secret(PASSWORD),
        "tls": settings.pop("files", TlsFiles(ca=SELF_SIGNED)),
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        **settings,
    }
    return AmqpSender(AmqpTarget("erp", url=url, **chosen), props.clock)


@asynccontextmanager
async def looking(props: Props, *, virtual_host: str = "/", **queue: Any) -> AsyncIterator[aiormq.abc.AbstractChannel]:
    """Look into the server, at an exchange and a queue of the test's own. queue: its arguments."""
    name = place_of(props)
    url = URL.build(scheme="amqp", host="127.0.0.1", port=props.servers.rabbit.port, path=f"/{virtual_host}")
    async with aiormq.connect(url.with_user(USER).with_password(PASSWORD)) as connection:
        channel = await connection.channel()
        await channel.exchange_declare(name, exchange_type="topic")
        await channel.queue_declare(name, durable=True, arguments=queue)
        await channel.queue_bind(name, name, "events.*")
        try:
            yield channel
        finally:
            await channel.queue_delete(name)
            await channel.exchange_delete(name)


def url_of(props: Props, *, tls: bool = False, path: str = "") -> str:
    port = props.servers.rabbit.port
    return f"amqps://localhost:{port + 1}{path}" if tls else f"amqp://127.0.0.1:{port}{path}"


def serving(*, tls: bool = False, path: str = "", queue: dict[str, Any] | None = None, **settings: Any) -> SetScene:
    """Set a scene with a real server. queue: arguments of the queue that takes the messages."""

    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        async with looking(props, **(queue or {})) as channel:

            async def count() -> int:
                return (await channel.queue_declare(place_of(props), passive=True)).message_count or 0

            yield Scene(sender_to(props, url_of(props, tls=tls, path=path), **settings), count)

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(sender_to(props, f"amqp://{place}", **settings), none)

    return scene


@asynccontextmanager
async def says_nothing(props: Props) -> AsyncIterator[Scene]:
    async with receiving(hangs) as receiver:
        yield Scene(sender_to(props, f"amqp://127.0.0.1:{receiver.port}", timeout_s=TIMEOUT_S), none)


@asynccontextmanager
async def says_nothing_of_tls(props: Props) -> AsyncIterator[Scene]:
    async with receiving(hangs) as receiver:
        yield Scene(sender_to(props, f"amqps://127.0.0.1:{receiver.port}", timeout_s=TIMEOUT_S), none)


@asynccontextmanager
async def hangs_up(props: Props) -> AsyncIterator[Scene]:
    async with cable_to(1) as cable:
        yield Scene(sender_to(props, f"amqp://127.0.0.1:{cable.port}"), none)


@asynccontextmanager
async def speaks_no_tls(props: Props) -> AsyncIterator[Scene]:
    yield Scene(sender_to(props, f"amqps://localhost:{props.servers.rabbit.port}"), none)


@asynccontextmanager
async def speaks_only_tls(props: Props) -> AsyncIterator[Scene]:
    yield Scene(sender_to(props, f"amqp://127.0.0.1:{props.servers.rabbit.port + 1}"), none)


@asynccontextmanager
async def is_short_of_memory(props: Props) -> AsyncIterator[Scene]:
    async with serving(timeout_s=TIMEOUT_S)(props) as scene:
        with props.servers.rabbit.alarmed():
            yield scene


STAGE = Stage(
    accepts=serving(),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "no such name": (at("nowhere.invalid:5672"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "private by name": (at("localhost:1", allow_private=False), Outcome.BLOCKED),
        "hangs": (says_nothing, Outcome.TIMED_OUT),
        "hangs in TLS": (says_nothing_of_tls, Outcome.TIMED_OUT),
        "hangs up": (hangs_up, Outcome.UNREACHABLE),
        "speaks no TLS": (speaks_no_tls, Outcome.UNREACHABLE),
        "speaks only TLS": (speaks_only_tls, Outcome.UNREACHABLE),
        "has a certificate of nobody": (serving(tls=True, files=TlsFiles()), Outcome.UNREACHABLE),
        "refuses the login": (serving(password=Secret("s3cond")), Outcome.UNREACHABLE),
        "has no such virtual host": (serving(path="/nowhere"), Outcome.UNREACHABLE),
        "has no such exchange": (serving(exchange="nowhere"), Outcome.UNREACHABLE),
        "allows no messages": (serving(user=Secret(READER)), Outcome.UNREACHABLE),
        "has no queue for it": (serving(routing_key=compile_template("nobody.{id}")), Outcome.ERRORED),
        "full": (serving(queue={"x-max-length": 0, "x-overflow": "reject-publish"}), Outcome.BUSY),
        "short of memory": (is_short_of_memory, Outcome.TIMED_OUT),
        "has too long a key": (serving(routing_key=compile_template("events." + "é" * 125)), Outcome.BLOCKED),
        "holds nothing of it": (serving(content=Content(compile_expression("data"))), Outcome.BLOCKED),
    },
    repeats=2,  # with the same message_id
    secrets=(PASSWORD, "s3cond"),
)
