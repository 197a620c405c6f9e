"""An exchange of RabbitMQ."""

from dataclasses import dataclass, field

from relay.domain.targets.base import NetworkTarget
from relay.domain.targets.content import Content
from relay.domain.targets.tls import TlsFiles
from relay.domain.values import Secret, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpTarget(NetworkTarget):
    """An exchange that receives a message for each event. The URL's path is the virtual host, percent-encoded."""

    kind: str = "amqp"
    exchange: str
    routing_key: Template
    content: Content = field(default_factory=Content)
    user: Secret | None = None
    password: Secret | None = None
    tls: TlsFiles = field(default_factory=TlsFiles)
