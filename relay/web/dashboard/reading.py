"""What pages show: answers of the API, and what only a person needs beside them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from relay.domain import DeliveryStatus, Event, GateState, Refusal, Route, Verdict
from relay.finding import COUNTED_MAX, find_refused, time_of
from relay.store.ports.replays import ReplayState
from relay.store.ports.search import EventStatus
from relay.story import BY_NOTIFY, REFUSED, is_own, proof
from relay.trials import Trial, Trials
from relay.web.admin.asking import LIMIT, Call, Parameter, read_query
from relay.web.admin.configuration import Configuration
from relay.web.admin.desk import Desk
from relay.web.admin.events import FILTER, Events
from relay.web.admin.overview import MINUTES, Overview
from relay.web.admin.problems import Problem
from relay.web.admin.rejections import QUERY as REJECTION_QUERY
from relay.web.admin.rejections import Rejections
from relay.web.admin.replays import Replays
from relay.web.admin.targets import Targets
from relay.web.cursors import EVENT_CURSOR, NUMBER_CURSOR
from relay.web.dashboard.figures import figures, rates
from relay.web.dashboard.guard import Guard
from relay.web.dashboard.legible import shown_body
from relay.web.dashboard.wording import share_done, status_of, waits_for_its_turn, worst_first
from relay.web.telling import told_rejection_row

FRESH_HEADER = "X-Relay-Fresh"  # sent by the page that keeps itself fresh
REFUSED_MAX = 10
COUNTED_JOBS_MAX = 2  # each may take a twentieth of a second
TRIED_BYTES_MAX = 4 * 1024 * 1024  # of a body: a larger one is shaped where it is sent, and by `relay try`

Answer = Callable[[Call], Awaitable[web.Response]]


class Reading:
    """The pages."""

    def __init__(self, desk: Desk, guard: Guard, trials: Trials) -> None:
        self._desk = desk
        self._guard = guard
        self._trials = trials
        self._events = Events(desk)
        self._targets = Targets(desk)
        self._replays = Replays(desk)
        self._rejections = Rejections(desk)
        self._overview = Overview(desk)
        self._configuration = Configuration(desk)

    async def overview(self, http: web.Request) -> web.Response:
        """Show the relay at a glance."""
        stats = await _told(self._overview.stats, http, (MINUTES,))
        targets = await _told(self._targets.all, http)
        sources = await _told(self._overview.sources, http)
        shown = {
            "figures": figures(stats),
            "targets": [self._with_age(target) for target in targets["items"]],
            "sources": sources["items"],
            "fault": self._last_fault(),
        }
        return self._guard.show(http, "overview.html", shown)

    async def events(self, http: web.Request) -> web.Response:
        """Find events."""
        page = await _told(self._events.page, http, (*FILTER, LIMIT, EVENT_CURSOR))
        config, asked = self._desk.config(), _asked(http, FILTER)
        shown = {
            "page": page,
            "asked": asked,
            "refused": await self._refused(http, asked.get("q"), page),
            "older": _older(http, page["next"]),
            "statuses": [status.value for status in EventStatus],
            "sources": list(config.sources),
            "targets": list(config.targets),
        }
        return self._guard.show(http, "events.html", shown)

    async def event(self, http: web.Request) -> web.Response:
        """Tell an event's whole story."""
        told = await _told(self._events.one, http)
        record = await self._desk.store.event(told["id"])
        if record is None:
            raise Problem(404, "It has just been purged.")
        source = self._desk.config().sources.get(record.event.source)
        routes = {route.name: route for route in source.routes} if source else {}
        targets = (await _told(self._targets.all, http))["items"]
        body, hidden_bytes = shown_body(record.event.body)
        shown = {
            "event": {**told, "deliveries": worst_first(told["deliveries"])},
            "status": status_of(told).value,
            "waiting": {each["id"] for each in told["deliveries"] if waits_for_its_turn(each)},
            "source": source,
            "proof": proof(record.event, source, await self._desk.store.rejections.admitted_as(told["id"])),
            "by_notify": BY_NOTIFY if is_own(record.event, source) else None,
            "held": {target["name"]: target for target in targets if target["held_since"]},
            "whens": {name: route.when.text if route.when else None for name, route in routes.items()},
            "trials": await self._tried(record.event, list(routes.values())),
            "body": body,
            "hidden_bytes": hidden_bytes,
            "retryable": [DeliveryStatus.PENDING, DeliveryStatus.DEAD],
        }
        return self._guard.show(http, "event.html", shown)

    async def event_body(self, http: web.Request) -> web.Response:
        """Hand out a body, to be saved."""
        return await self._events.body(Call(http, {}))

    async def targets(self, http: web.Request) -> web.Response:
        """Tell how every target stands."""
        targets = await _told(self._targets.all, http)
        return self._guard.show(http, "targets.html", {"targets": [self._with_age(one) for one in targets["items"]]})

    async def rejections(self, http: web.Request) -> web.Response:
        """List what was refused."""
        page = await _told(self._rejections.page, http, (*REJECTION_QUERY, LIMIT, NUMBER_CURSOR))
        shown = {
            "page": page,
            "asked": _asked(http, REJECTION_QUERY),
            "older": _older(http, page["next"]),
            "reasons": [refusal.value for refusal in Refusal],
            "sources": list(self._desk.config().sources),
        }
        return self._guard.show(http, "rejections.html", shown)

    async def rejection(self, http: web.Request) -> web.Response:
        """Tell of one refused request."""
        told = await _told(self._rejections.one, http)
        found = await self._desk.store.rejections.one(told["id"])
        body, hidden_bytes = shown_body(found.body if found else b"")
        shown = {"rejection": told, "why": REFUSED[Refusal(told["reason"])], "body": body, "hidden_bytes": hidden_bytes}
        return self._guard.show(http, "rejection.html", shown)

    async def rejection_body(self, http: web.Request) -> web.Response:
        """Hand out the body of a refused request, to be saved."""
        return await self._rejections.body(Call(http, {}))

    async def sources(self, http: web.Request) -> web.Response:
        """Tell how every source stands."""
        stats = await _told(self._overview.stats, http, (MINUTES,))
        sources = await _told(self._overview.sources, http)
        shown = {"sources": sources["items"], "rates": rates(stats)}
        return self._guard.show(http, "sources.html", shown)

    async def replays(self, http: web.Request) -> web.Response:
        """Tell how far replays are."""
        config = self._desk.config()
        jobs = (await _told(self._replays.all, http, (LIMIT,)))["items"]
        shares = await self._shares_done(jobs)
        shown = {
            "replays": [{**job, "share": share} for job, share in zip(jobs, shares, strict=True)],
            "statuses": [status.value for status in EventStatus],
            "sources": list(config.sources),
            "targets": list(config.targets),
            "asked": {name: value for name, value in http.query.items() if value},
            "count": re.fullmatch("[0-9]{0,9}", http.query.get("count", "")) and http.query.get("count"),
        }
        return self._guard.show(http, "replays.html", shown)

    async def configuration(self, http: web.Request) -> web.Response:
        """Show the configuration in use."""
        config = await _told(self._configuration.shown, http)
        last = config.pop("last_reload")
        shown = {"config": config, "last_reload": last, "has_file": self._desk.reloading() is not None}
        return self._guard.show(http, "configuration.html", shown)

    async def _tried(self, event: Event, routes: Sequence[Route]) -> Mapping[str, Any]:
        """Tell what each route says to an event now, and what it would send; beside the loop, for it may take long."""
        if len(event.body) > TRIED_BYTES_MAX:
            return {}
        return await asyncio.to_thread(self._try, event, routes)

    def _try(self, event: Event, routes: Sequence[Route]) -> Mapping[str, Any]:
        every = [route for source in self._desk.config().sources.values() for route in source.routes]
        tried = {}
        for route in routes:
            verdict, complaint = self._trials.ask(route, event)
            matches = verdict is Verdict.MATCHED
            sent = [_told_trial(self._trials.show(every, route, target, event)) for target in route.targets if matches]
            tried[route.name] = {"verdict": verdict.value, "complaint": complaint, "sent": sent}
        return tried

    async def _shares_done(self, jobs: Sequence[Mapping[str, Any]]) -> list[float]:
        """Tell how far each job is: the first that run by what they have still to look at, others by their time."""
        ids = await self._desk.store.event_ids("", 1)
        oldest_at = time_of(ids[0]) if ids else None
        running = [job["id"] for job in jobs if job["state"] == ReplayState.RUNNING]
        left = {job_id: await self._left(job_id) for job_id in running[:COUNTED_JOBS_MAX]}
        return [share_done(job, left.get(job["id"]), oldest_at) for job in jobs]

    async def _left(self, job_id: str) -> int | None:
        """Count what a job has still to look at, where that is soon done."""
        store = self._desk.store
        job = await store.replays.one(job_id)
        if job is None:
            return None
        ahead = await store.search.event_ids(job.wanted, job.position, COUNTED_MAX, oldest_first=True)
        return ahead.searched if ahead.last is None else None

    async def _refused(self, http: web.Request, text: str | None, page: Mapping[str, Any]) -> Sequence[Any]:
        """Look among what was refused where no event has a text; once, and not each time that a page is kept fresh."""
        if text is None or page["items"] or FRESH_HEADER in http.headers or "cursor" in http.query:
            return ()
        found = await find_refused(self._desk.store, text, REFUSED_MAX)
        return [told_rejection_row(row) for row in found.rows]

    def _last_fault(self) -> str | None:
        """Tell what is wrong with the file, where the configuration in use is not what it says."""
        reloading = self._desk.reloading()
        last = reloading.last if reloading else None
        return str(last.faults[0]) if last and not last.is_good else None

    def _with_age(self, target: Mapping[str, Any]) -> dict[str, Any]:
        is_held = target["state"] != GateState.OPERATING if target["configured"] else target["unfinished"] > 0
        return {**target, "oldest_s": self._seconds_since(target["oldest_pending_at"]), "is_held": is_held}

    def _seconds_since(self, told: str | None) -> float | None:
        if told is None:
            return None
        return max(0.0, (self._desk.clock.now() - datetime.fromisoformat(told)).total_seconds())


async def _told(answer: Answer, http: web.Request, known: Sequence[Parameter] = ()) -> Any:
    """Ask an endpoint of the API. known: which fields of the page's own query it understands; empty ones are unset."""
    asked = http.clone(rel_url=http.rel_url.with_query(_asked(http, known)))
    response = await answer(Call(http, read_query(asked, known)))
    assert isinstance(response.body, bytes)  # noqa: S101 - every endpoint that is read here answers JSON
    return orjson.loads(response.body)


def _asked(http: web.Request, known: Sequence[Parameter]) -> dict[str, str]:
    names = {parameter.name for parameter in known}
    return {name: value.strip() for name, value in http.query.items() if name in names and value.strip()}


def _older(http: web.Request, cursor: str | None) -> str | None:
    """Return the query of the next page."""
    kept = {name: value for name, value in http.query.items() if name not in ("cursor", "done") and value}
    return None if cursor is None else urlencode({**kept, "cursor": cursor})


def _told_trial(trial: Trial) -> dict[str, Any]:
    sent = trial.sent
    body, hidden_bytes = shown_body(sent.body) if sent else ("", 0)
    return {
        "target": trial.target.name,
        "reason": trial.reason,
        "expression": trial.expression,
        "sent": sent,
        "body": body,
        "hidden_bytes": hidden_bytes,
    }
