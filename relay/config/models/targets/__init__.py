"""Targets in the file: a module for each kind, and the choice among them by `kind`."""

from typing import Annotated

from pydantic import WrapValidator

from relay.config.models.base import chosen_by_kind
from relay.config.models.targets.amqp import AmqpTarget
from relay.config.models.targets.base import Target
from relay.config.models.targets.email import EmailTarget
from relay.config.models.targets.file import FileTarget
from relay.config.models.targets.http import HttpTarget
from relay.config.models.targets.nats import NatsTarget
from relay.config.models.targets.redis import RedisTarget
from relay.config.models.targets.relay import RelayTarget
from relay.config.models.targets.s3 import S3Target

KINDS: dict[str, type[Target]] = {
    "http": HttpTarget,
    "file": FileTarget,
    "email": EmailTarget,
    "redis": RedisTarget,
    "nats": NatsTarget,
    "amqp": AmqpTarget,
    "relay": RelayTarget,
    "s3": S3Target,
}

AnyTarget = Annotated[
    HttpTarget | FileTarget | EmailTarget | RedisTarget | NatsTarget | AmqpTarget | RelayTarget | S3Target,
    WrapValidator(chosen_by_kind(KINDS, "http", "{url: https://erp.example.com/hooks}")),
]
