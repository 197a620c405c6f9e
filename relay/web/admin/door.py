"""The admin port put together: probes, metrics, sessions, and the API of every resource."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from relay.sessions import Sessions
from relay.web import answers, probes
from relay.web.admin.access import Access
from relay.web.admin.asking import Call, Endpoint
from relay.web.admin.configuration import Configuration
from relay.web.admin.deliveries import Deliveries
from relay.web.admin.desk import Desk
from relay.web.admin.events import Events
from relay.web.admin.openapi import describe
from relay.web.admin.overview import Overview
from relay.web.admin.problems import problems
from relay.web.admin.rejections import Rejections
from relay.web.admin.replays import Replays
from relay.web.admin.targets import Targets

RESOURCES = (Events, Deliveries, Targets, Replays, Rejections, Overview, Configuration)


class AdminDoor:
    """What an operator and their monitoring read."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.access = Access(Sessions(desk.tokens, desk.clock), lambda: desk.config().admin.hosts)

    def application(self) -> web.Application:
        """Build what is served on the admin port."""
        access = self.access
        application = web.Application(middlewares=[problems, access.require_own_name, access.require_token])
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/readyz", self.readyz)
        application.router.add_get("/metrics", self.metrics)
        for endpoint in self.endpoints():
            application.router.add_route(endpoint.method, endpoint.path, endpoint.handle)
        return application

    def endpoints(self) -> list[Endpoint]:
        """List everything that the API answers."""
        own = Endpoint("GET", "/api/v1/openapi.json", self.description, "Describe this API.", "Description")
        of_resources = [endpoint for resource in RESOURCES for endpoint in resource(self._desk).endpoints()]
        return [own, *self.access.endpoints(), *of_resources]

    async def healthz(self, _: web.Request) -> web.Response:
        """Say that the process lives."""
        return probes.alive()

    async def readyz(self, request: web.Request) -> web.Response:
        """Say whether this process can do its work: one without a public port is asked here."""
        return await probes.readiness(self._desk.health, self._desk.singles, request.query)

    async def metrics(self, _: web.Request) -> web.Response:
        """Tell Prometheus."""
        return web.Response(body=await self._desk.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def description(self, _: Call) -> web.Response:
        """Describe the API."""
        return answers.data(describe(self.endpoints()))
