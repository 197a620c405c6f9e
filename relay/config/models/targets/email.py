"""A target that receives mail, as the file says it."""

import re
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo, field_validator

from relay import domain
from relay.config.misfits import Expected, Misfit
from relay.config.models.base import Part, as_full_list, as_list, required, written
from relay.config.models.fields import ExpressionText, Flag, Line, Whole, Within, as_text, line
from relay.config.models.targets.base import Retry
from relay.config.models.targets.content import DECODE, NAMES, PathText, TemplateText
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls
from relay.config.models.targets.urls import ServiceUrl, service_url

_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}")  # RFC 5321, 4.1.2, without quotes and literals
_SPECIAL = set('()<>[]:;,\\"')
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9!#$&^_.+-]{1,100}")  # RFC 6838, 4.2

SUBJECT = "{type} from {source}"
TEXT = "{source} has sent an event of type {type}, received at {received_at}.\nIts id is {id}.\n"


def _address(value: object) -> str:
    if _ADDRESS.fullmatch(content := line(value)) and not _SPECIAL & set(content):
        return content
    raise Expected("an address such as accounts@example.com")


def _media_type(value: str) -> str:
    if _MEDIA_TYPE.fullmatch(value):
        return value
    raise Expected("a media type such as application/pdf")


MailAddress = Annotated[str, PlainValidator(_address), as_text(".+@.+")]
MailUrl = Annotated[
    ServiceUrl,
    service_url({"smtp": 587, "smtps": 465}, "smtp://user:password@mail.example.com:587"),
    as_text("smtps?://.+"),
]
MediaType = Annotated[Line, AfterValidator(_media_type)]


class Attachment(Part):
    """A document that goes with a mail."""

    content: ExpressionText | None = written(
        None, f"The document: JMESPath over the body, with {NAMES} at hand; the whole body, unless set."
    )
    decode: DECODE = written(None, "How that is encoded, and to be undone.", examples=["base64"])
    name: PathText = written("{id}.json", "Its file's name, with JMESPath in braces.")
    type: MediaType | None = written(
        None, "Its media type; told by the end of its name, unless set.", examples=["application/pdf"]
    )

    def build(self) -> domain.Attachment:
        """Build the attachment."""
        return domain.Attachment(self.name, domain.Content(self.content, self.decode == "base64"), self.type)


class EmailRetry(Retry):
    """When a mail that was not taken is tried again, and when it is given up."""

    final: Annotated[
        tuple[Annotated[Whole, Within("500", "599")], ...],
        BeforeValidator(as_list, json_schema_input_type=list[Whole]),
    ] = written(
        [550, 551, 553],
        "Answers that end a delivery at once; unless set, those by which an address is not there, or not allowed.",
    )

    def policy(self) -> domain.RetryPolicy:
        """Build the policy, with what a mail server's answers say to it."""
        return replace(super().policy(), final=frozenset(self.final))


class EmailTarget(NetworkTarget):
    """People who receive a mail for each event, by a server that takes it from us."""

    driver = "aiosmtplib"
    means = (
        "Delivered when the server has taken the message for all recipients; it goes to all or to none. Dead at once "
        "by an answer in `retry.final`, or where an event does not hold what an attachment asks for. Other answers of "
        "500 and above, and 450, are errors, and tried again; any other below 500 says that the server is busy. One "
        "that does not let us in (no STARTTLS, a login refused) counts as unreachable."
    )
    repeat = (
        "It is mailed again, with the same `Message-ID` (the event's id): many mail stores keep but one of such. A "
        "repeat is rare: only where the server's answer was lost."
    )
    example = (
        '{kind: email, url: "smtp://mail.example.com", from: relay@example.com, to: accounts@example.com, '
        'attach: {content: invoice.data, decode: base64, name: "{invoice.id}.pdf"}}'
    )

    kind: Literal["email"] = required("What kind of target it is.", "email")
    url: MailUrl = required(
        "The mail server: `smtp://` (port 587) with STARTTLS, `smtps://` (port 465) with TLS from the beginning; user "
        "and password in it.",
        "smtp://user:password@mail.example.com",
    )
    starttls: Flag = written(
        True, "Whether `smtp://` goes on in TLS, which the server must then offer; false: in clear, and without a user."
    )
    tls: Tls = written({}, "Whom we believe, and who we are.")
    sender: MailAddress = required("Who it is from.", "relay@example.com", alias="from")
    recipients: Annotated[
        tuple[MailAddress, ...], BeforeValidator(as_full_list, json_schema_input_type=MailAddress | list[MailAddress])
    ] = required("An address, or a list of them.", "accounts@example.com", alias="to")
    subject: TemplateText = written(SUBJECT, f"The subject: text with JMESPath in braces, with {NAMES} at hand.")
    text: TemplateText = written(TEXT, "The text, likewise.")
    attach: Annotated[
        tuple[Attachment, ...], BeforeValidator(as_list, json_schema_input_type=Attachment | list[Attachment])
    ] = written([], "A document that goes with it, or a list of them.")
    retry: EmailRetry = written({}, "When a mail that was not taken is tried again.")

    @field_validator("starttls")
    @classmethod
    def _hides_the_password(cls, starttls: bool, info: ValidationInfo) -> bool:
        url = info.data.get("url")
        if url is not None and url.scheme == "smtp" and url.user is not None and not starttls:
            raise Misfit("the user and password in `url` would be sent in clear; expected true, or a `url` without")
        return starttls

    def build(self, name: str) -> domain.EmailTarget:
        """Build the target that a file without faults describes."""
        return domain.EmailTarget(
            **self.common(name),
            url=self.url.shown,
            user=self.url.user,
            password=self.url.password,
            starts_tls=self.starttls,
            tls=self.tls.files(),
            sender=self.sender,
            recipients=self.recipients,
            subject=self.subject,
            text=self.text,
            attachments=tuple(attachment.build() for attachment in self.attach),
        )
