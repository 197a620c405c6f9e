"""A subject of NATS that a stream of JetStream takes."""

from dataclasses import dataclass, field

from relay.domain.targets.base import NetworkTarget
from relay.domain.targets.content import Content
from relay.domain.targets.tls import TlsFiles
from relay.domain.values import Secret, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsTarget(NetworkTarget):
    """A subject that receives a message for each event, kept by JetStream. password None: the user is a token."""

    kind: str = "nats"
    subject: Template
    content: Content = field(default_factory=Content)
    user: Secret | None = None
    password: Secret | None = None
    tls: TlsFiles = field(default_factory=TlsFiles)
