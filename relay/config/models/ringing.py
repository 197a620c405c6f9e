"""What rings: operator events to targets, and a heartbeat for who watches from outside."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema

from relay import domain
from relay.config.misfits import not_among
from relay.config.models.base import Part, as_full_list, required, written
from relay.config.models.fields import Duration, TargetUrl, Text, Within, text
from relay.config.models.names import TargetName, all_different
from relay.config.models.targets.network import AllowPrivate
from relay.config.units import parse_duration
from relay.domain import HttpTarget, NoticeKind

KINDS = [kind.value for kind in NoticeKind]


def _kind(value: object) -> NoticeKind:
    if (name := text(value)) in KINDS:
        return NoticeKind(name)
    raise not_among(KINDS, name, "what happens")


KindName = Annotated[NoticeKind, PlainValidator(_kind), WithJsonSchema({"type": "string", "enum": KINDS})]


class Notify(Part):
    """Which targets are told what happens to the relay itself: as events of a source `relay`, durable as all are."""

    targets: Annotated[
        tuple[TargetName, ...],
        BeforeValidator(as_full_list, json_schema_input_type=Text | list[Text]),
        AfterValidator(all_different),
    ] = required("A target, or a list of targets. None of them is told of itself.", "chat", alias="to")
    kinds: Annotated[
        tuple[KindName, ...], BeforeValidator(as_full_list, json_schema_input_type=KindName | list[KindName])
    ] = written(KINDS, "What they are told of; all of it, unless set.", alias="on")
    every: Annotated[Duration, Within("1s", "1d", parse_duration)] = written(
        "30s", "How long things are collected, to be told together; never more often than that."
    )

    def build(self) -> domain.Notify:
        """Build it."""
        return domain.Notify(self.targets, frozenset(self.kinds), self.every)


class Heartbeat(Part):
    """A URL that is called while the relay is ready: a dead-man switch rings when the calls stop."""

    hide_path: ClassVar[bool] = True  # by it the watcher knows us, and nobody else should

    url: TargetUrl = required("What is called, by GET.", "https://hc.example.com/ping/…")
    every: Annotated[Duration, Within("1s", "1d", parse_duration)] = written("60s", "How often.")
    allow_private: AllowPrivate = written(
        False, "Whether it may be at a loopback or private address; or a list of networks where it may be."
    )

    def build(self) -> domain.Heartbeat:
        """Build it."""
        allowed = self.allow_private
        networks = () if isinstance(allowed, bool) else tuple(map(str, allowed))
        target = HttpTarget(
            "heartbeat", url=str(self.url), allow_private=allowed is True, allow_networks=networks, conceals_path=True
        )
        return domain.Heartbeat(target, self.every)
