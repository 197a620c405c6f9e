"""A target that is a stream of Redis, as the file says it."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from relay import domain
from relay.config.misfits import Misfit
from relay.config.models.base import required, written
from relay.config.models.fields import Whole, Within, as_text
from relay.config.models.targets.content import NAMES, ContentTarget, TemplateText
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls
from relay.config.models.targets.urls import ServiceUrl, service_url


def _database(url: ServiceUrl) -> ServiceUrl:
    if url.path and not (url.path.isascii() and url.path.isdigit()):
        raise Misfit("expected a database's number, or nothing, after the host, such as redis://redis:6379/0")
    return url


RedisUrl = Annotated[
    ServiceUrl,
    service_url({"redis": 6379, "rediss": 6379}, "redis://user:password@redis.example.com:6379/0"),
    AfterValidator(_database),
    as_text("rediss?://.+"),
]


class RedisTarget(NetworkTarget, ContentTarget):
    """A stream of Redis that receives an entry for each event."""

    driver = "redis"
    means = (
        "Delivered when Redis has the entry: how safe it is there, its `appendfsync` says. Busy while it is loading or "
        "full; unreachable where it lets us not in, or is a replica; an error, and tried again, where it refuses the "
        "entry, as where the key is no stream."
    )
    repeat = (
        "It is added again, with the same `id` among its fields, by which a consumer tells repeats: a stream numbers "
        "its entries by itself."
    )
    example = "{kind: redis, url: redis://redis.example.com, stream: 'events:{source}'}"

    kind: Literal["redis"] = required("What kind of target it is.", "redis")
    url: RedisUrl = required(
        "The server: `redis://`, or `rediss://` with TLS; user and password in it, and the database's number.",
        "redis://user:password@redis.example.com:6379/0",
    )
    tls: Tls = written({}, "Whom we believe, and who we are.")
    stream: TemplateText = required(
        f"The stream's key: text with JMESPath in braces, with {NAMES} at hand.", "events:{source}"
    )
    max_length: Annotated[Whole, Within("1", "1000000000")] | None = written(
        None, "About how many entries the stream keeps; all of them, unless set.", examples=[100000]
    )

    def build(self, name: str) -> domain.RedisTarget:
        """Build the target that a file without faults describes."""
        return domain.RedisTarget(
            **self.common(name),
            url=self.url.shown,
            stream=self.stream,
            entries_max=self.max_length,
            content=self.chosen_content(),
            user=self.url.user,
            password=self.url.password,
            tls=self.tls.files(),
        )
