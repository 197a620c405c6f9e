"""A real mail server on loopback, which keeps what it takes and answers as it is told."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

SELF_SIGNED = Path(__file__).parent / "contract" / "self_signed.pem"  # of localhost and 127.0.0.1
USER, PASSWORD = "us3r", "pa55word"


@dataclass(slots=True)
class Mailbox:
    """A server, and what it took. refuses: by address, the answer to it. answer: to each message."""

    port: int = 0
    answer: str = "250 OK"
    refuses: Mapping[str, str] = field(default_factory=dict)
    messages: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (refusal := self.refuses.get(address)) is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.envelopes.append(envelope)
            self.messages.append(message_from_bytes(envelope.content, EmailMessage, policy=WIRE))
        return self.answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_known, handled=False)


@asynccontextmanager
async def mail_server(mailbox: Mailbox, *, tls: str = "starttls", wants_login: bool = True) -> AsyncIterator[Mailbox]:
    """Serve. tls: `starttls`, `tls` from the beginning, or `none`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(SELF_SIGNED)
    loop = asyncio.get_running_loop()
    connections: list[SMTP] = []

    def connected() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a login is wanted in a server without STARTTLS
            protocol = SMTP(
                mailbox,
                hostname="mail.test",
                data_size_limit=None,
                tls_context=context if tls == "starttls" else None,
                require_starttls=tls == "starttls",
                authenticator=mailbox.authenticate,
                auth_required=wants_login,
                auth_require_tls=tls == "starttls",
                loop=loop,
            )
        connections.append(protocol)
        return protocol

    server = await loop.create_server(connected, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        for protocol in connections:
            if protocol.transport is not None:
                protocol.transport.close()
        await server.wait_closed()
