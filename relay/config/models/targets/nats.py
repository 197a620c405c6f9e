"""A target that is a stream of NATS JetStream, as the file says it."""

from typing import Annotated, Literal

from relay import domain
from relay.config.models.base import required, written
from relay.config.models.fields import as_text
from relay.config.models.targets.content import NAMES, ContentTarget, TemplateText
from relay.config.models.targets.network import NetworkTarget
from relay.config.models.targets.tls import Tls
from relay.config.models.targets.urls import ServiceUrl, service_url

NatsUrl = Annotated[
    ServiceUrl,
    service_url({"nats": 4222, "tls": 4222}, "nats://user:password@nats.example.com:4222"),
    as_text("(nats|tls)://.+"),
]


class NatsTarget(NetworkTarget, ContentTarget):
    """A subject of NATS that receives a message for each event, kept by a stream of JetStream."""

    driver = "nats"
    means = (
        "Delivered when JetStream has stored the message. Busy where the stream is full, or the cluster is; "
        "unreachable where no stream takes the subject, or the server does not let us in; an error, and tried again, "
        "where it refuses the message, as one above its `max_payload`."
    )
    repeat = (
        "Nothing, within the stream's `duplicate_window` (2 minutes, unless it says more): its `Nats-Msg-Id` is the "
        "event's id. Later it is stored again, with the same `Nats-Msg-Id`."
    )
    example = "{kind: nats, url: nats://nats.example.com, subject: 'events.{source}.{type}'}"

    kind: Literal["nats"] = required("What kind of target it is.", "nats")
    url: NatsUrl = required(
        "The server: `nats://`, or `tls://` where it must speak TLS; user and password in it, or a token alone.",
        "nats://user:password@nats.example.com:4222",
    )
    tls: Tls = written({}, "Whom we believe, and who we are.")
    subject: TemplateText = required(
        f"The subject: text with JMESPath in braces, with {NAMES} at hand. Dots in what they find part it, too.",
        "events.{source}.{type}",
    )

    def build(self, name: str) -> domain.NatsTarget:
        """Build the target that a file without faults describes."""
        return domain.NatsTarget(
            **self.common(name),
            url=self.url.shown,
            subject=self.subject,
            content=self.chosen_content(),
            user=self.url.user,
            password=self.url.password,
            tls=self.tls.files(),
        )
