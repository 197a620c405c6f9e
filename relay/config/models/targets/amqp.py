"""A target that is an exchange of RabbitMQ, as the file says it."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from relay import domain
from relay.config.misfits import Expected, Misfit
from relay.config.models.base import required, written
from relay.config.models.fields import Line, as_text
from relay.config.models.targets.content import NAMES, ContentTarget, TemplateText
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls
from relay.config.models.targets.urls import ServiceUrl, service_url

NAME_BYTES_MAX = 255  # of what AMQP calls a short string


def _virtual_host(url: ServiceUrl) -> ServiceUrl:
    if "/" in urlsplit(url.shown).path[1:]:
        raise Misfit("expected one virtual host after the host; a slash in its name is written %2F")
    return url


def _exchange(name: str) -> str:
    if not 0 < len(name.encode()) <= NAME_BYTES_MAX:
        raise Expected(f"the name of an exchange, of at most {NAME_BYTES_MAX} bytes")
    return name


AmqpUrl = Annotated[
    ServiceUrl,
    service_url({"amqp": 5672, "amqps": 5671}, "amqp://user:password@rabbitmq.example.com:5672/vhost"),
    AfterValidator(_virtual_host),
    as_text("amqps?://.+"),
]


class AmqpTarget(NetworkTarget, ContentTarget):
    """An exchange of RabbitMQ, or of another server of AMQP 0-9-1, that receives a message for each event."""

    driver = "aiormq"
    means = (
        "Delivered when the server confirms that every queue which the message leads to has it, on disk where the "
        "queue is durable. Busy where a queue is full and refuses it; an error, and tried again, where it leads to no "
        "queue, or is too large; unreachable where the server does not let us in, there is no such exchange, or we may "
        "not publish to it; timed out while an alarm of its memory or disk keeps it from taking anything."
    )
    repeat = (
        "It is published again, with the same `message_id`, the event's id, by which a consumer tells repeats: queues "
        "do not."
    )
    example = "{kind: amqp, url: amqp://rabbitmq.example.com, exchange: events, routing_key: '{source}.{type}'}"

    kind: Literal["amqp"] = required("What kind of target it is.", "amqp")
    url: AmqpUrl = required(
        "The server: `amqp://`, or `amqps://` with TLS; user and password in it, and the virtual host, which is `/` "
        "unless one is named.",
        "amqp://user:password@rabbitmq.example.com:5672/vhost",
    )
    tls: Tls = written({}, "Whom we believe, and who we are.")
    exchange: Annotated[Line, AfterValidator(_exchange)] = required(
        "The exchange, which must be there: nothing is declared.", "events"
    )
    routing_key: TemplateText = required(
        f"The routing key: text with JMESPath in braces, with {NAMES} at hand; of at most {NAME_BYTES_MAX} bytes.",
        "{source}.{type}",
    )

    def build(self, name: str) -> domain.AmqpTarget:
        """Build the target that a file without faults describes."""
        return domain.AmqpTarget(
            **self.common(name),
            url=self.url.shown,
            exchange=self.exchange,
            routing_key=self.routing_key,
            content=self.chosen_content(),
            user=self.url.user,
            password=self.url.password,
            tls=self.tls.files(),
        )
