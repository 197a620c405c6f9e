"""Who receives: what every target has, and a file for each kind."""

from relay.domain.targets.amqp import AmqpTarget
from relay.domain.targets.base import BreakerPolicy, NetworkTarget, RetryPolicy, Target
from relay.domain.targets.content import Content
from relay.domain.targets.email import Attachment, EmailTarget
from relay.domain.targets.file import FileTarget
from relay.domain.targets.http import Auth, HttpTarget
from relay.domain.targets.nats import NatsTarget
from relay.domain.targets.redis import RedisTarget
from relay.domain.targets.relay import RelayTarget
from relay.domain.targets.s3 import S3Target
from relay.domain.targets.tls import TlsFiles

__all__ = [
    "AmqpTarget",
    "Attachment",
    "Auth",
    "BreakerPolicy",
    "Content",
    "EmailTarget",
    "FileTarget",
    "HttpTarget",
    "NatsTarget",
    "NetworkTarget",
    "RedisTarget",
    "RelayTarget",
    "RetryPolicy",
    "S3Target",
    "Target",
    "TlsFiles",
]
