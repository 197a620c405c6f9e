"""Replays of many events: jobs that stand in the store, so that a restart goes on with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from relay.store.ports.search import EventFilter


class ReplayState(StrEnum):
    """How far a job is: `running → done | cancelled`."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Replay:
    """A job. wanted: which events; where it names a target, only deliveries to that one.

    only_dead: leave alone what was delivered or cancelled. per_s: how many events a second. position: the id of the
    last event that was looked at; the job goes from the oldest to the newest of those that were there when it began.
    """

    id: str
    wanted: EventFilter
    only_dead: bool
    per_s: int
    state: ReplayState
    created_at: datetime
    due_at: datetime  # when its next step may be taken
    finished_at: datetime | None = None
    position: str | None = None
    searched: int = 0  # events
    replayed: int = 0  # deliveries


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """What a job does next: it replays these events, and stands at `position` then."""

    event_ids: Sequence[str]
    position: str | None
    searched: int
    due_at: datetime
    is_last: bool


class Replays(Protocol):
    """Jobs, the newest first."""

    async def begin(self, replay: Replay) -> None:
        """Keep a job."""
        ...

    async def all(self, limit: int) -> Sequence[Replay]:
        """List jobs, the newest first."""
        ...

    async def one(self, replay_id: str) -> Replay | None:
        """Return a job, or None."""
        ...

    async def due(self, now: datetime) -> Replay | None:
        """Return the running job whose step has been due longest, or None."""
        ...

    async def advance(self, replay: Replay, step: ReplayStep, now: datetime) -> int | None:
        """Take a step of a job, whole or not at all; tell how many deliveries became pending.

        None where another process took it first, or the job was cancelled: nothing is changed then.
        """
        ...

    async def cancel(self, replay_id: str, now: datetime) -> Replay | None:
        """Take no further step of a job; return how it stands now, or None where there is none."""
        ...

    async def forget(self, before: datetime) -> None:
        """Drop jobs that ended before a time."""
        ...
