"""People who receive mail."""

from dataclasses import dataclass, field

from relay.domain.targets.base import NetworkTarget
from relay.domain.targets.content import Content
from relay.domain.targets.tls import TlsFiles
from relay.domain.values import PathTemplate, Secret, Template


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that goes with a mail. media_type: None to tell it by the name."""

    name: PathTemplate
    content: Content
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTarget(NetworkTarget):
    """People who receive a mail for each event, by a server that takes it from us."""

    kind: str = "email"
    sender: str
    recipients: tuple[str, ...]
    subject: Template
    text: Template
    attachments: tuple[Attachment, ...] = ()
    user: Secret | None = None
    password: Secret | None = None
    starts_tls: bool = True  # by STARTTLS, which the server must offer; `smtps` has it from the beginning
    tls: TlsFiles = field(default_factory=TlsFiles)
