"""Replays of many events, as jobs."""

from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from relay.finding import COUNTED_MAX
from relay.replays import PER_S, PER_S_MAX, new_replay
from relay.store.ports.replays import Replay
from relay.store.ports.search import EventFilter, EventStatus
from relay.web import answers
from relay.web.admin.asking import LIMIT, Call, Endpoint
from relay.web.admin.desk import Desk
from relay.web.admin.problems import Problem
from relay.web.telling import told_replay

NO_REPLAY = "There is no such replay, or not any more."
Word = Annotated[str, Field(min_length=1, max_length=500, pattern="^[^\\x00]*$")]


class Wanted(BaseModel):
    """Which events are to be replayed, and how. What is left out does not matter; without anything: all of them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    source: Word | None = Field(None, description="Of this source.")
    type: Word | None = Field(None, description="Of this type.")
    status: EventStatus | None = Field(None, description="As they stand by the worst of their deliveries.")
    target: Word | None = Field(None, description="Only deliveries to this target.")
    since: datetime | None = Field(None, description="Received then or later.")
    until: datetime | None = Field(None, description="Received before.")
    q: Word | None = Field(None, description="With this text, as in the list of events.")
    only_dead: bool = Field(False, description="Leave alone what was delivered or cancelled.")
    per_s: int = Field(PER_S, ge=1, le=PER_S_MAX, description="How many events a second.")
    dry_run: bool = Field(False, description="Only count the events.")

    def filter(self) -> EventFilter:
        """Return it as the store knows it; a time without a zone is UTC."""
        since, until = _utc(self.since, "since"), _utc(self.until, "until")
        return EventFilter(self.source, self.type, self.status, self.target, since, until, self.q)


class Replays:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        one, not_found = "/api/v1/replays/{id}", {404: NO_REPLAY}
        return [
            Endpoint(
                "POST",
                "/api/v1/replays",
                self.begin,
                "Replay many events as a job: paced, and resumed after a restart. With `dry_run` nothing is begun, and "
                "the answer tells how many events are meant.",
                "ReplayOrCount",
                status=202,
                body=Wanted,
            ),
            Endpoint("GET", "/api/v1/replays", self.all, "List the jobs, newest first.", "ReplayPage", query=(LIMIT,)),
            Endpoint("GET", one, self.one, "Tell how far a job is.", "Replay", problems=not_found),
            Endpoint("DELETE", one, self.cancel, "Cancel a job: no further event.", "Replay", problems=not_found),
        ]

    async def begin(self, call: Call) -> web.Response:
        """Write a job down; maintenance takes it on."""
        desk, asked = self._desk, call.body
        wanted = asked.filter()
        if asked.dry_run:
            found = await desk.store.search.event_ids(wanted, None, COUNTED_MAX, oldest_first=False)
            counted = {"count": len(found.ids), "exact": found.last is None, "searched": found.searched}
            return answers.data(counted, 202)
        now, entropy = desk.clock.now(), desk.entropy(10)
        replay = new_replay(wanted, now, entropy, only_dead=asked.only_dead, per_s=asked.per_s)
        await desk.store.replays.begin(replay)
        return answers.data(told_replay(replay), 202)

    async def all(self, call: Call) -> web.Response:
        """List jobs."""
        jobs = await self._desk.store.replays.all(call.query["limit"])
        return answers.data({"items": [told_replay(job) for job in jobs], "next": None})

    async def one(self, call: Call) -> web.Response:
        """Tell of one job."""
        return answers.data(told_replay(_known(await self._desk.store.replays.one(_id(call)))))

    async def cancel(self, call: Call) -> web.Response:
        """End one job."""
        job = await self._desk.store.replays.cancel(_id(call), self._desk.clock.now())
        return answers.data(told_replay(_known(job)))


def _id(call: Call) -> str:
    return call.named("id", "rpl_[0-9a-f]{1,40}") or "rpl_"


def _known(replay: Replay | None) -> Replay:
    if replay is None:
        raise Problem(404, NO_REPLAY, "id")
    return replay


def _utc(time: datetime | None, where: str) -> datetime | None:
    if time is None:
        return None
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        raise Problem(400, f"`{where}`: expected a time such as 2026-07-01T12:00:00Z.", where) from None
