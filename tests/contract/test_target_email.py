"""Mails: who gets them, what stands in them, and what a stranger cannot put there."""

import re
from dataclasses import replace

import orjson
import pytest

from relay.domain import Attachment, Content, EmailTarget, Outcome, Secret
from relay.expressions import compile_expression
from relay.targets.email import compose
from relay.templates import compile_path, compile_template
from tests.builders import an_event
from tests.mail import USER, Mailbox, mail_server
from tests.senders import a_delivery, opened
from tests.stages import Props
from tests.stages.email import sender_to

PDF = Attachment(
    compile_path("{invoice.number}.pdf"), Content(compile_expression("invoice.data"), is_base64=True), None
)
TARGET = EmailTarget(
    "erp",
    url="smtp://mail.example.com:587",
    sender="relay@example.com",
    recipients=("a@example.com", "b@example.com"),
    subject=compile_template("Invoice {invoice.number}"),
    text=compile_template("From {source}: {invoice.note}"),
    attachments=(PDF,),
)


def the_invoice(**fields: str) -> bytes:
    return orjson.dumps({"invoice": {"number": "7", "data": "JVBERi0=", "note": "grüße", **fields}})


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_mail_has_all_that_it_should(props: Props, tls: str) -> None:
    """Through a real server, by STARTTLS and by TLS from the beginning, and after a login."""
    event, scheme = an_event(body=the_invoice()), {"starttls": "smtp", "tls": "smtps"}[tls]
    settings = {name: getattr(TARGET, name) for name in ("sender", "recipients", "subject", "text", "attachments")}
    async with (
        mail_server(Mailbox(), tls=tls) as served,
        opened(sender_to(props, f"{scheme}://localhost:{served.port}", **settings)) as sender,
    ):
        attempt = await sender.send(a_delivery(event))

    (message,), (envelope,) = served.messages, served.envelopes
    (document,) = message.iter_attachments()
    body = message.get_body()
    assert Outcome.ACCEPTED == attempt.outcome
    assert ["a@example.com", "b@example.com"] == envelope.rcpt_tos
    assert [USER] == served.users
    assert f"<{event.id}@example.com>" == message["Message-ID"]
    assert ("Invoice 7", "relay@example.com") == (message["Subject"], message["From"])
    assert body is not None
    assert "From shop: grüße" == body.get_content().strip()
    assert ("7.pdf", "application/pdf", b"%PDF-") == (
        document.get_filename(),
        document.get_content_type(),
        document.get_content(),
    )


def test_no_event_adds_a_header() -> None:
    """A line break in a subject would; it becomes a space."""
    written = compose(TARGET, an_event(body=the_invoice(number="7\r\nBcc: all@example.com")))

    assert b"\nBcc:" not in written
    assert b"Subject: Invoice 7 Bcc: all@example.com\r\n" in written


@pytest.mark.parametrize("number", ["../../x", "a/b", "\u202eexe"])
def test_no_event_names_a_file_elsewhere(number: str) -> None:
    """Mail programs save attachments under the name they have."""
    written = compose(TARGET, an_event(body=the_invoice(number=number)))

    (name,) = re.findall(rb"filename(?:\*=utf-8'')?=?\"?([^\"\r]*)", written)
    assert b"/" not in name
    assert b"%E2%80%AE" not in name


def test_a_mail_is_the_same_at_each_attempt() -> None:
    """Where a server's answer was lost, a mail store can tell the second one by its id and date."""
    target, event = replace(TARGET, attachments=()), an_event(body=the_invoice())

    assert compose(target, event) == compose(target, event)


async def test_a_mail_goes_to_all_or_to_none(props: Props) -> None:
    """Sent to one, and tried again for the other, the first would have it twice."""
    async with (
        mail_server(Mailbox(refuses={"boss@example.com": "452 full"})) as served,
        opened(sender_to(props, f"smtp://127.0.0.1:{served.port}")) as sender,
    ):
        attempt = await sender.send(a_delivery())

    assert (Outcome.BUSY, "the server answered 452") == (attempt.outcome, attempt.detail)
    assert [] == served.messages


def test_a_target_shows_neither_user_nor_password() -> None:
    """It ends in a traceback sooner or later."""
    target = replace(TARGET, user=Secret("us3r"), password=Secret("pa55"))

    assert "pa55" not in repr(target)
    assert "smtp://mail.example.com:587" == target.address
