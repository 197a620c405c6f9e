"""What forms do: each asks an endpoint of the API, and names the page that is shown then."""

from typing import Any
from urllib.parse import quote, urlencode

import orjson
from aiohttp import web
from pydantic import ValidationError

from relay.web.admin.asking import Call
from relay.web.admin.configuration import Configuration
from relay.web.admin.deliveries import Deliveries
from relay.web.admin.desk import Desk
from relay.web.admin.events import Events
from relay.web.admin.problems import Problem
from relay.web.admin.rejections import Rejections
from relay.web.admin.replays import Replays, Wanted
from relay.web.admin.targets import Move, Targets
from relay.web.dashboard.guard import Form

KEPT = ("source", "target", "status", "type", "q", "since", "until", "per_s", "only_dead")


class Acting:
    """The forms."""

    def __init__(self, desk: Desk) -> None:
        self._events = Events(desk)
        self._deliveries = Deliveries(desk)
        self._targets = Targets(desk)
        self._rejections = Rejections(desk)
        self._replays = Replays(desk)
        self._configuration = Configuration(desk)

    async def replay_event(self, http: web.Request, form: Form) -> str:
        """Send an event again, to all its targets or to one."""
        target = str(form.get("target", ""))
        await self._events.replay(Call(http, {"target": target} if target else {}))
        return f"{_of_event(http)}?done=replayed"

    async def retry(self, http: web.Request, form: Form) -> str:
        """Try a delivery at once."""
        await self._deliveries.retry(Call(http, {}))
        return _back(form, "retried")

    async def cancel(self, http: web.Request, form: Form) -> str:
        """Never send a delivery."""
        await self._deliveries.cancel(Call(http, {}))
        return _back(form, "cancelled")

    async def pause(self, http: web.Request, _: Form) -> str:
        """Hold a target."""
        await self._targets.pause(Call(http, {}))
        return "/targets?done=paused"

    async def resume(self, http: web.Request, _: Form) -> str:
        """Let a target go on."""
        await self._targets.resume(Call(http, {}))
        return "/targets?done=resumed"

    async def cancel_waiting(self, http: web.Request, _: Form) -> str:
        """Cancel what waits for a target."""
        answer = await self._targets.cancel(Call(http, {}))
        return f"/targets?done={_whole(answer, 'cancelled')}"

    async def move_waiting(self, http: web.Request, form: Form) -> str:
        """Give what waits for a target to another."""
        answer = await self._targets.move(Call(http, {}, Move.model_construct(to=str(form.get("to", "")))))
        return f"/targets?done={_whole(answer, 'moved')}"

    async def replay_many(self, http: web.Request, form: Form) -> str:
        """Begin a job, from the fields of a filter; or only count the events, and show the filter again."""
        wanted = _wanted(form)
        answer = await self._replays.begin(Call(http, {}, wanted))
        if not wanted.dry_run:
            return "/replays?done=begun"
        counted = _told(answer)
        kept = {name: str(value) for name, value in form.items() if name in KEPT and value}
        return f"/replays?{urlencode({**kept, 'count': counted['count'], 'more': '' if counted['exact'] else '+'})}"

    async def cancel_replay(self, http: web.Request, _: Form) -> str:
        """End a job."""
        await self._replays.cancel(Call(http, {}))
        return "/replays?done=ended"

    async def admit(self, http: web.Request, _: Form) -> str:
        """Verify a refused request again, and show the event that it became."""
        await self._rejections.admit(Call(http, {}))
        return "/rejected?done=admitted"

    async def reload(self, http: web.Request, _: Form) -> str:
        """Read the configuration file again. The page tells what became of it, a fault included."""
        try:
            await self._configuration.reload(Call(http, {}))
        except Problem as problem:
            if problem.status != 422:
                raise
        return "/configuration"


def _wanted(form: Form) -> Wanted:
    """Read which events a form means. Errors: Problem."""
    given = {name: str(value) for name, value in form.items() if name in Wanted.model_fields and value}
    try:
        return Wanted.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise Problem(400, f"`{where}`: {fault['msg']}.", where) from None


def _whole(answer: web.Response, done: str) -> str:
    """Name what was done, or that it was done in part: one request changes so many at most."""
    return f"{done}-in-part" if _told(answer)["more"] else done


def _told(answer: web.Response) -> Any:
    assert isinstance(answer.body, bytes)  # noqa: S101 - it is JSON
    return orjson.loads(answer.body)


def _of_event(http: web.Request) -> str:
    return f"/events/{quote(http.match_info['id'], safe='')}"


def _back(form: Form, done: str) -> str:
    """Return the event that a delivery is of, or the list of events where the form does not say."""
    event = str(form.get("event", ""))
    return f"/events/{quote(event, safe='')}?{urlencode({'done': done})}" if event else f"/events?done={done}"
