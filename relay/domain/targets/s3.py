"""A bucket of objects."""

from dataclasses import dataclass, field

from relay.domain.targets.content import Content
from relay.domain.targets.http import HttpTarget
from relay.domain.values import PathTemplate, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Target(HttpTarget):
    """A bucket that receives an object for each event; the bucket stands in the URL."""

    kind: str = "s3"
    key: PathTemplate
    region: str
    access_key: Secret
    secret_key: Secret
    content: Content = field(default_factory=Content)
    media_type: str | None = None  # None: told by the key, or as the event came
