"""A NATS server whose JetStream takes messages, is full, knows no stream, lets nobody in, hangs, or is not there."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.js.api import DiscardPolicy, StreamConfig

from relay.domain import Content, NatsTarget, Outcome, Secret, TlsFiles
from relay.expressions import compile_expression
from relay.targets.nats import NatsSender
from relay.templates import compile_template
from tests.mail import SELF_SIGNED
from tests.patience import WAIT_S_MAX
from tests.receiver import hangs, receiving
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, SetScene, Stage, none

USER, PASSWORD = "us3r", "pa55word"


def place_of(props: Props) -> str:
    """Return a name that no other test has."""
    return re.sub(r"[^A-Za-z0-9]", "-", str(props.folder))


def sender_to(props: Props, url: str, **settings: Any) -> NatsSender:
    chosen = {
        "subject": compile_template(f"{place_of(props)}.{{source}}"),
        "user": Secret(USER),
        "password": Secret(PASSWORD),
        "tls": settings.pop("files", TlsFiles(ca=SELF_SIGNED)),
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        **settings,
    }
    return NatsSender(NatsTarget("erp", url=url, **chosen), props.clock)


@asynccontextmanager
async def looking(props: Props, *, tls: bool = False) -> AsyncIterator[Any]:
    """Look into one of the two servers."""
    port = props.servers.nats_tls if tls else props.servers.nats
    context = {"tls": ssl.create_default_context(cafile=SELF_SIGNED)} if tls else {}
    client = await nats.connect(f"nats://127.0.0.1:{port}", user=USER, password=PASSWORD, **context)
    try:
        yield client.jetstream()
    finally:
        await client.close()


def serving(*, tls: bool = False, stream: dict[str, Any] | None = None, **settings: Any) -> SetScene:
    """Set a scene with a real server. stream: settings of the stream that takes the subject."""

    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        name = place_of(props)
        url = f"tls://localhost:{props.servers.nats_tls}" if tls else f"nats://127.0.0.1:{props.servers.nats}"
        async with looking(props, tls=tls) as jetstream:

            async def count() -> int:
                return int((await jetstream.stream_info(name)).state.messages)

            await jetstream.add_stream(StreamConfig(name=name, subjects=[f"{name}.>"], **(stream or {})))
            try:
                yield Scene(sender_to(props, url, **settings), count)
            finally:
                await jetstream.delete_stream(name)

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(sender_to(props, f"nats://{place}", **settings), none)

    return scene


@asynccontextmanager
async def says_nothing(props: Props) -> AsyncIterator[Scene]:
    async with receiving(hangs) as receiver:
        yield Scene(sender_to(props, f"nats://127.0.0.1:{receiver.port}", timeout_s=TIMEOUT_S), none)


@asynccontextmanager
async def speaks_no_tls(props: Props) -> AsyncIterator[Scene]:
    """As somebody in between would pretend, to be told the password."""
    yield Scene(sender_to(props, f"tls://localhost:{props.servers.nats}"), none)


@asynccontextmanager
async def has_a_certificate_of_nobody(props: Props) -> AsyncIterator[Scene]:
    yield Scene(sender_to(props, f"tls://localhost:{props.servers.nats_tls}", files=TlsFiles()), none)


STAGE = Stage(
    accepts=serving(),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "no such name": (at("nowhere.invalid:4222"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "private by name": (at("localhost:1", allow_private=False), Outcome.BLOCKED),
        "hangs": (says_nothing, Outcome.TIMED_OUT),
        "speaks no TLS": (speaks_no_tls, Outcome.UNREACHABLE),
        "has a certificate of nobody": (has_a_certificate_of_nobody, Outcome.UNREACHABLE),
        "refuses the login": (serving(password=Secret("s3cond")), Outcome.UNREACHABLE),
        "full": (serving(stream={"max_msgs": 1, "max_bytes": 1, "discard": DiscardPolicy.NEW}), Outcome.BUSY),
        "takes only short ones": (serving(stream={"max_msg_size": 1}), Outcome.ERRORED),
        "has no such stream": (serving(subject=compile_template("nobody.{id}")), Outcome.UNREACHABLE),
        "holds nothing of it": (serving(content=Content(compile_expression("data"))), Outcome.BLOCKED),
    },
    repeats=1,
    secrets=(PASSWORD, "s3cond"),
)
