"""The admin door: metrics, and an API about events. Never on the public port."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from traceback import format_tb

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST

from relay.clock import Clock
from relay.domain import Secret, Target
from relay.errors import StoreError
from relay.health import Health
from relay.lanes import Lanes
from relay.operations import TargetReport, report_targets
from relay.store.protocol import EventRecord, Store
from relay.web import answers, probes
from relay.web.telling import told_event, told_target

log = structlog.get_logger("relay.web.admin")

NO_EVENT = "There is no such event; it may have been purged after storage.keep."
NO_TARGET = "There is no such target: it is not configured, and nothing is left for one of that name."
NOTHING = "There is nothing here. See /readyz, /metrics and /api/v1/."


class AdminDoor:
    """What an operator and their monitoring read."""

    def __init__(
        self,
        store: Store,
        lanes: Lanes,
        targets: Mapping[str, Target],
        clock: Clock,
        exposition: Callable[[], Awaitable[bytes]],
        tokens: Sequence[Secret],
        health: Health,
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._targets = targets
        self._clock = clock
        self._exposition = exposition
        self._tokens = tokens
        self._health = health

    def application(self) -> web.Application:
        """Build what is served on the admin port."""
        application = web.Application(middlewares=[problems, self._require_token])
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/readyz", self.readyz)
        application.router.add_get("/metrics", self.metrics)
        application.router.add_get("/api/v1/targets", self.targets)
        application.router.add_post("/api/v1/targets/{name}/pause", self.pause)
        application.router.add_post("/api/v1/targets/{name}/resume", self.resume)
        application.router.add_get("/api/v1/events/{id}", self.event)
        application.router.add_get("/api/v1/events/{id}/body", self.body)
        application.router.add_post("/api/v1/events/{id}/replay", self.replay)
        return application

    @web.middleware
    async def _require_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let only who has a token see the API. Metrics tell no content and no secret, and are open here."""
        if request.path.startswith("/api/") and not self._is_known(request.headers.get("Authorization", "")):
            headers = {"WWW-Authenticate": "Bearer"}
            return answers.problem(401, "Send `Authorization: Bearer` with one of admin.tokens.", headers)
        return await handler(request)

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        matches = [compare_digest(given, known.reveal()) for known in self._tokens]  # all, in any case
        return scheme.lower() == "bearer" and any(matches)

    async def healthz(self, _: web.Request) -> web.Response:
        """Say that the process lives."""
        return probes.alive()

    async def readyz(self, _: web.Request) -> web.Response:
        """Say whether this process can do its work: one without a public port is asked here."""
        return await probes.readiness(self._health)

    async def metrics(self, _: web.Request) -> web.Response:
        """Tell Prometheus."""
        return web.Response(body=await self._exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def targets(self, _: web.Request) -> web.Response:
        """Tell how each target stands, and how much it still has to get."""
        reports = await report_targets(self._store, self._targets)
        return answers.data({"items": [told_target(report) for report in reports.values()], "next": None})

    async def pause(self, http: web.Request) -> web.Response:
        """Hold a target's deliveries."""
        return await self._hold(http, is_paused=True)

    async def resume(self, http: web.Request) -> web.Response:
        """Let a target's deliveries go on."""
        return await self._hold(http, is_paused=False)

    async def event(self, http: web.Request) -> web.Response:
        """Tell an event's whole story, without its body."""
        return answers.data(told_event(await self._record(http)))

    async def body(self, http: web.Request) -> web.Response:
        """Return an event's body as it came: to be saved, never to be shown as what it claims to be."""
        record = await self._record(http)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{record.event.id}"',
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=record.event.body, headers=headers)

    async def replay(self, http: web.Request) -> web.Response:
        """Send an event again to all its targets, whatever became of it."""
        record = await self._record(http)
        count = await self._store.replay(record.event.id, self._clock.now())
        self._lanes.wake(delivery.target for delivery in record.deliveries)
        return answers.data({"id": record.event.id, "replayed": count}, 202)

    async def _hold(self, http: web.Request, *, is_paused: bool) -> web.Response:
        """Hold a target, or let it go on; its gate sees it within a second. Tells how it stands now."""
        known = await self._report(http)
        await self._store.pause(known.name, self._clock.now(), is_paused=is_paused)
        return answers.data(told_target(await self._report(http)))

    async def _report(self, http: web.Request) -> TargetReport:
        report = (await report_targets(self._store, self._targets)).get(http.match_info["name"])
        if report is None:
            raise NotKnown(NO_TARGET)
        return report

    async def _record(self, http: web.Request) -> EventRecord:
        record = await self._store.event(http.match_info["id"])
        if record is None:
            raise NotKnown(NO_EVENT)
        return record


class NotKnown(web.HTTPNotFound):
    """Nothing has that name, or nothing any more."""

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in one form."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        return answers.problem(405, "Not this method.", {"Allow": ", ".join(sorted(error.allowed_methods))})
    except web.HTTPNotFound as error:
        return answers.problem(404, error.detail if isinstance(error, NotKnown) else NOTHING)
    except web.HTTPException as error:
        return answers.problem(error.status, error.reason)
    except StoreError as error:
        return answers.problem(503, str(error), {"Retry-After": str(answers.STORE_RETRY_AFTER_S)})
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is told here and nowhere else
        trace = format_tb(fault.__traceback__)  # and not its words, which may quote what was sent
        log.error("admin_request_failed", fault=type(fault).__name__, trace=trace)  # noqa: TRY400
        return answers.problem(500, "The relay itself failed; its log has the traceback.")
