"""A stream of Redis."""

from dataclasses import dataclass, field

from relay.domain.targets.base import NetworkTarget
from relay.domain.targets.content import Content
from relay.domain.targets.tls import TlsFiles
from relay.domain.values import Secret, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisTarget(NetworkTarget):
    """A stream that receives an entry for each event. The URL's path is the database's number."""

    kind: str = "redis"
    stream: Template
    entries_max: int | None = None  # roughly: as Redis trims
    content: Content = field(default_factory=Content)
    user: Secret | None = None
    password: Secret | None = None
    tls: TlsFiles = field(default_factory=TlsFiles)
