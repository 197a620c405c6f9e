"""A mail server that takes messages, asks for patience, refuses, hangs, or is not there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from relay.domain import Attachment, Content, EmailTarget, Outcome, RetryPolicy, Secret, TlsFiles
from relay.expressions import compile_expression
from relay.targets.email import EmailSender
from relay.templates import compile_path, compile_template
from tests.mail import PASSWORD, SELF_SIGNED, USER, Mailbox, mail_server
from tests.patience import WAIT_S_MAX
from tests.receiver import hangs, receiving
from tests.senders import TIMEOUT_S
from tests.stages import Props, Scene, SetScene, Stage, none

TO = "accounts@example.com"
DOCUMENT = Attachment(compile_path("{id}.pdf"), Content(compile_expression("invoice.data"), is_base64=True))


def sender_to(props: Props, url: str, **settings: Any) -> EmailSender:
    chosen = {
        "sender": "relay@example.com",
        "recipients": (TO, "boss@example.com"),
        "subject": compile_template("{type} from {source}"),
        "text": compile_template("It is {id}."),
        "attachments": (Attachment(compile_path("{id}.json"), Content()),),
        "user": Secret(USER),
        "password": Secret(PASSWORD),
        "tls": settings.pop("files", TlsFiles(ca=SELF_SIGNED)),
        "allow_private": True,
        "timeout_s": WAIT_S_MAX,
        "retry": RetryPolicy(final=frozenset({550})),
        **settings,
    }
    return EmailSender(EmailTarget("erp", url=url, **chosen), props.clock)


def serving(*, mailbox: dict[str, Any] | None = None, tls: str = "starttls", **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        async with mail_server(Mailbox(**(mailbox or {})), tls=tls) as served:

            async def count() -> int:
                return len(served.messages)

            yield Scene(sender_to(props, f"smtp://127.0.0.1:{served.port}", **settings), count)

    return scene


def at(place: str, **settings: Any) -> SetScene:
    @asynccontextmanager
    async def scene(props: Props) -> AsyncIterator[Scene]:
        yield Scene(sender_to(props, f"smtp://{place}", **settings), none)

    return scene


@asynccontextmanager
async def says_nothing(props: Props) -> AsyncIterator[Scene]:
    async with receiving(hangs) as receiver:
        yield Scene(sender_to(props, f"smtp://127.0.0.1:{receiver.port}", timeout_s=TIMEOUT_S), none)


STAGE = Stage(
    accepts=serving(),
    fails={
        "nobody": (at("127.0.0.1:1"), Outcome.UNREACHABLE),
        "no such name": (at("nowhere.invalid:587"), Outcome.UNREACHABLE),
        "private": (at("127.0.0.1:1", allow_private=False), Outcome.BLOCKED),
        "private by name": (at("localhost:1", allow_private=False), Outcome.BLOCKED),
        "hangs": (says_nothing, Outcome.TIMED_OUT),
        "offers no TLS": (serving(tls="none"), Outcome.UNREACHABLE),
        "has a certificate of nobody": (serving(files=TlsFiles()), Outcome.UNREACHABLE),
        "refuses the login": (serving(password=Secret("s3cond")), Outcome.UNREACHABLE),
        "busy": (serving(mailbox={"answer": "451 later"}), Outcome.BUSY),
        "has a busy mailbox": (serving(mailbox={"refuses": {TO: "450 greylisted"}}), Outcome.ERRORED),
        "knows no such mailbox": (serving(mailbox={"refuses": {TO: "550 who?"}}), Outcome.REJECTED),
        "takes no such message": (serving(mailbox={"answer": "554 spam"}), Outcome.ERRORED),
        "holds nothing of it": (serving(attachments=(DOCUMENT,)), Outcome.BLOCKED),
    },
    repeats=2,  # with the same Message-ID
    secrets=(PASSWORD, "s3cond"),
)
