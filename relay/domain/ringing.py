"""What an operator is told without having asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relay.domain.targets import NetworkTarget

OWN_SOURCE = "relay"  # the name of the source that the program itself is


class NoticeKind(StrEnum):
    """What happened."""

    BREAKER = "breaker"  # a target is left alone, or let go on
    DEAD = "dead"  # deliveries were given up
    SILENT = "silent"  # a source has sent nothing for longer than its `expect_every`, or sends again
    DISK = "disk"  # there is too little room to accept anything, or enough again
    KEY = "key"  # of several secrets of a source one is not used any more
    RELOAD = "reload"  # a faulty configuration was not taken up


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. where: the target or source that it is about, or what of the relay's own."""

    kind: NoticeKind
    what: str
    where: str
    since: datetime
    next_step: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told, of what, and how often at most."""

    targets: tuple[str, ...]
    kinds: frozenset[NoticeKind]
    every: timedelta


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A URL that is called while all is well, so that somebody notices when it is not called any more."""

    target: NetworkTarget
    every: timedelta
