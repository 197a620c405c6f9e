"""Targets: how they stand, held and let go, and what waits for one that is no more."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from relay.config.misfits import nearest
from relay.operations import STEP_ROWS, TargetReport, cancel_waiting, move_waiting, report_targets
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint
from relay.web.admin.desk import Desk
from relay.web.admin.problems import Problem
from relay.web.telling import told_target

NO_TARGET = "There is no such target: it is not configured, and nothing is left for one of that name"
NOT_FOUND = {404: "There is no such target."}
STEPS_MAX = 20  # for one request: who wants more asks again


class Move(BaseModel):
    """Where pending deliveries go."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    to: str = Field(min_length=1, max_length=200, description="A configured target.")


class Targets:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        one = "/api/v1/targets/{name}"
        moved = {**NOT_FOUND, 400: "The other target is not configured.", 409: "It is the same target."}
        some = f"up to {STEP_ROWS * STEPS_MAX} at once; `more` says whether to ask again"
        return [
            Endpoint("GET", "/api/v1/targets", self.all, "Tell how every target stands.", "TargetPage"),
            Endpoint("POST", f"{one}/pause", self.pause, "Hold its deliveries.", "Target", problems=NOT_FOUND),
            Endpoint("POST", f"{one}/resume", self.resume, "Let its deliveries go on.", "Target", problems=NOT_FOUND),
            Endpoint(
                "POST",
                f"{one}/cancel",
                self.cancel,
                f"Cancel what waits for it, {some}.",
                "Changed",
                problems=NOT_FOUND,
            ),
            Endpoint(
                "POST",
                f"{one}/move",
                self.move,
                f"Give what waits for it to another target, {some}.",
                "Changed",
                body=Move,
                problems=moved,
            ),
        ]

    async def all(self, _: Call) -> web.Response:
        """Tell how each stands, and how much it still has to get."""
        reports = await report_targets(self._desk.store, self._desk.config().targets)
        return answers.data({"items": [told_target(report) for report in reports.values()], "next": None})

    async def pause(self, call: Call) -> web.Response:
        """Hold a target's deliveries."""
        return await self._hold(call, is_paused=True)

    async def resume(self, call: Call) -> web.Response:
        """Let a target's deliveries go on."""
        return await self._hold(call, is_paused=False)

    async def cancel(self, call: Call) -> web.Response:
        """Cancel what is pending."""
        name = (await self._report(call)).name
        changed = await cancel_waiting(self._desk.store, name, self._desk.clock.now(), STEPS_MAX)
        return answers.data({"changed": changed.count, "more": changed.more})

    async def move(self, call: Call) -> web.Response:
        """Give what is pending to another target."""
        name, other, targets = (await self._report(call)).name, call.body.to, self._desk.config().targets
        if other not in targets:
            raise Problem(400, _no_such("`to`: there is no such target", other, targets), "to")
        if other == name:
            raise Problem(409, "It waits for this target already; expected another.", "to")
        changed = await move_waiting(self._desk.store, name, other, self._desk.clock.now(), STEPS_MAX)
        self._desk.lanes.wake([other])
        return answers.data({"changed": changed.count, "more": changed.more})

    async def _hold(self, call: Call, *, is_paused: bool) -> web.Response:
        """Hold a target, or let it go on; its gate sees it within a second. Tells how it stands now."""
        known = await self._report(call)
        await self._desk.store.pause(known.name, self._desk.clock.now(), is_paused=is_paused)
        return answers.data(told_target(await self._report(call)))

    async def _report(self, call: Call) -> TargetReport:
        reports = await report_targets(self._desk.store, self._desk.config().targets)
        name = call.place("name")
        if name not in reports:
            raise Problem(404, _no_such(NO_TARGET, name, reports), "name")
        return reports[name]


def _no_such(words: str, name: str, known: object) -> str:
    near = nearest(name, list(known))  # type: ignore[call-overload]
    return f"{words}; did you mean `{near}`?" if near else f"{words}."
