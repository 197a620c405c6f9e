"""Every page and every form, by its path."""

from aiohttp import web

from relay.trials import Trials
from relay.web.admin.access import Access
from relay.web.admin.desk import Desk
from relay.web.dashboard.acting import Acting
from relay.web.dashboard.guard import Guard
from relay.web.dashboard.mishaps import Mishaps
from relay.web.dashboard.reading import Reading
from relay.web.dashboard.rendering import Renderer


class Dashboard:
    """What a browser sees on the admin port."""

    def __init__(self, desk: Desk, access: Access, trials: Trials) -> None:
        self._renderer = Renderer()
        self._guard = Guard(access, self._renderer)
        self._reading = Reading(desk, self._guard, trials)
        self._acting = Acting(desk)

    def add_to(self, application: web.Application) -> None:
        """Serve it beside what the application serves already."""
        router, guard = application.router, self._guard
        application.middlewares.insert(0, Mishaps(guard).tell)
        router.add_get("/static/{name}", self._renderer.file)
        router.add_get("/sign-in", guard.sign_in)
        router.add_post("/sign-in", guard.open)
        router.add_post("/sign-out", guard.close)
        self._add_pages(router)
        self._add_forms(router)

    def _add_pages(self, router: web.UrlDispatcher) -> None:
        reading = self._reading
        for path, answer in {
            "/": reading.overview,
            "/events": reading.events,
            "/events/{id}": reading.event,
            "/events/{id}/body": reading.event_body,
            "/targets": reading.targets,
            "/rejected": reading.rejections,
            "/rejected/{id}": reading.rejection,
            "/rejected/{id}/body": reading.rejection_body,
            "/sources": reading.sources,
            "/replays": reading.replays,
            "/configuration": reading.configuration,
        }.items():
            router.add_get(path, self._guard.page(answer))

    def _add_forms(self, router: web.UrlDispatcher) -> None:
        acting = self._acting
        for path, act in {
            "/events/{id}/replay": acting.replay_event,
            "/deliveries/{id}/retry": acting.retry,
            "/deliveries/{id}/cancel": acting.cancel,
            "/targets/{name}/pause": acting.pause,
            "/targets/{name}/resume": acting.resume,
            "/targets/{name}/cancel": acting.cancel_waiting,
            "/targets/{name}/move": acting.move_waiting,
            "/rejected/{id}/admit": acting.admit,
            "/replays": acting.replay_many,
            "/replays/{id}/cancel": acting.cancel_replay,
            "/configuration/reload": acting.reload,
        }.items():
            router.add_post(path, self._guard.form(act))
