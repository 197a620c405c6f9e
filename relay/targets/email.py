"""Deliveries by mail: one message an event, to all of its recipients or to none."""

import asyncio
import mimetypes
import socket
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from urllib.parse import urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from relay.clock import Clock
from relay.contents import content_of, document_of, names_of
from relay.domain import Attachment, Delivery, EmailTarget, Event, Outcome
from relay.targets.attempts import AttemptingSender, Result, words_of
from relay.targets.dialling import Guard, dial
from relay.targets.tls import context_of

UNKNOWN_TYPE = "application/octet-stream"
SUBJECT_CHARACTERS_MAX = 250
MAILBOX_BUSY = 450  # of one recipient, or of a server that makes strangers wait: says nothing of the others

_POLICY = WIRE.clone(cte_type="7bit")  # for servers that know no 8BITMIME


class EmailSender(AttemptingSender[EmailTarget]):
    """Hands one target's mails to its server, over a connection for each."""

    def __init__(self, target: EmailTarget, clock: Clock) -> None:
        super().__init__(target, clock)
        place = urlsplit(target.url)
        self._host, self._port = place.hostname or "", place.port or 0
        self._is_tls = place.scheme == "smtps"
        self._tls = context_of(target.tls)
        self._guard = Guard(target)

    async def close(self) -> None:
        """Let the guard's thread go."""
        await self._guard.close()

    async def _carry(self, delivery: Delivery) -> Result:
        message = await asyncio.to_thread(compose, self._target, delivery.event)
        client = self._client(await dial(self._guard, self._host, self._port))
        try:
            await client.connect()
        except SMTPException as error:
            return _turned_away(error)
        try:
            return await self._hand_over(client, message)
        except SMTPResponseException as error:
            return self._refused(error)
        finally:
            client.close()

    def _client(self, connected: socket.socket) -> SMTP:
        user, password = self._target.user, self._target.password
        return SMTP(
            hostname=self._host,
            sock=connected,
            username=user.text() if user else None,
            password=password.text() if password else None,
            local_hostname=socket.gethostname(),
            use_tls=self._is_tls,
            start_tls=self._target.starts_tls and not self._is_tls,
            tls_context=self._tls,
            timeout=None,  # there is one deadline for all of an attempt
        )

    async def _hand_over(self, client: SMTP, message: bytes) -> Result:
        """Send to everybody or to nobody: tried again for one, it would come to the others twice."""
        await client.mail(self._target.sender)
        for recipient in self._target.recipients:
            await client.rcpt(recipient)
        answer = await client.data(message)
        with suppress(OSError, AttributeError):  # it has the message: what becomes of the farewell is all the same
            client.transport.write(b"QUIT\r\n")  # type: ignore[union-attr]
        return Result(Outcome.ACCEPTED, excerpt=f"{answer.code} {answer.message}".encode())

    def _refused(self, error: SMTPResponseException) -> Result:
        """Say what an answer to a message means. Its text may name people: it is kept, and not logged."""
        detail, excerpt = f"the server answered {error.code}", error.message.encode()
        if error.code in self._target.retry.final:
            return Result(Outcome.REJECTED, detail=detail, excerpt=excerpt)
        is_busy = error.code < 500 and error.code != MAILBOX_BUSY
        return Result(Outcome.BUSY if is_busy else Outcome.ERRORED, detail=detail, excerpt=excerpt)


def _turned_away(error: SMTPException) -> Result:
    """Say why a server does not even let us in: that is about all mails, not about one."""
    match error:
        case SMTPResponseException(code=int(code)) if code < 500:
            return Result(Outcome.BUSY, detail=f"the server answered {code} before it took a message")
        case SMTPResponseException(code=int(code)):
            return Result(Outcome.UNREACHABLE, detail=f"the server lets nobody in like this: it answered {code}")
        case TimeoutError():
            raise error
        case OSError():
            cause = error.__cause__
            return Result(Outcome.UNREACHABLE, detail=words_of(cause if isinstance(cause, OSError) else error))
        case _:
            return Result(
                Outcome.UNREACHABLE, detail="the server does not offer what is asked for: STARTTLS, or a login"
            )


def compose(target: EmailTarget, event: Event) -> bytes:
    """Write an event's mail: the same at each attempt, but for MIME's boundaries. Blocks where documents are large.

    Errors: ContentMissing, ExpressionFailed.
    """
    names = names_of(event, document_of(event))
    message = EmailMessage(_POLICY)
    message["Message-ID"] = f"<{event.id}@{target.sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(event.received_at)
    message["From"] = target.sender
    message["To"] = ", ".join(target.recipients)
    message["Subject"] = _one_line(target.subject(names))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
    message.set_content(_sendable(target.text(names)))
    for attachment in target.attachments:
        _attach(message, attachment, event, names)
    return message.as_bytes()


def _attach(message: EmailMessage, attachment: Attachment, event: Event, names: dict[str, object]) -> None:
    name = attachment.name(names)[-1]
    media_type = attachment.media_type or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
    main, _, sub = media_type.partition("/")
    message.add_attachment(content_of(event, names, attachment.content), maintype=main, subtype=sub, filename=name)


def _one_line(text: str) -> str:
    """Return text as a header holds it: a line break in it would let whoever sent it add headers of their own."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(line.split())[:SUBJECT_CHARACTERS_MAX]


def _sendable(text: str) -> str:
    """Return text that has bytes: a lone surrogate has none."""
    return text.encode("utf-8", "replace").decode()


SENDER = EmailSender  # what the registry finds for `kind: email`
