"""What went wrong, told on a page: to a browser the same that the API tells programs as problem+json."""

from collections.abc import Mapping

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from relay.web.admin.access import PROBES
from relay.web.dashboard.guard import Guard

FOR_PROGRAMS = ("/metrics", "/login", "/logout", *PROBES)
TITLES: Mapping[int, str] = {
    400: "This cannot be asked so",
    403: "Not allowed",
    404: "Not there",
    405: "Not in this way",
    409: "Not as it stands",
    413: "Too large",
    421: "Not under this name",
    500: "The relay itself failed",
    503: "The database does not answer",
}
NEXT_STEPS: Mapping[int, str] = {
    500: "Nothing was lost by it. Load the page again; if it fails again, the log says where.",
    503: "The relay tries again by itself, and tells senders to come again meanwhile. Load this page again soon.",
}
NO_PAGE = "There is no page at this address."
KEPT = ("Allow", "Retry-After")


class Mishaps:
    """Stands before everything that the admin port serves."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    @web.middleware
    async def tell(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Show a page in place of a problem, to who asked for one."""
        response = await handler(request)
        if not isinstance(response, web.Response) or response.content_type != "application/problem+json":
            return response
        return self._page(request, response) if _asks_for_a_page(request) else response

    def _page(self, http: web.Request, response: web.Response) -> web.Response:
        assert isinstance(response.body, bytes)  # noqa: S101 - a problem is JSON
        status = response.status
        is_nowhere = isinstance(http.match_info.http_exception, web.HTTPNotFound)
        shown = {
            "status": status,
            "title": TITLES.get(status, "It did not work"),
            "detail": NO_PAGE if is_nowhere else orjson.loads(response.body)["detail"],
            "next_step": NEXT_STEPS.get(status),
        }
        page = self._guard.show(http, "problem.html", shown, status)
        page.headers.update({name: response.headers[name] for name in KEPT if name in response.headers})
        return page


def _asks_for_a_page(http: web.Request) -> bool:
    """Tell whether a person asks: by a browser, or for one of the pages."""
    if http.path.startswith("/api/") or http.path in FOR_PROGRAMS:
        return False
    return "text/html" in http.headers.get("Accept", "") or http.match_info.http_exception is None
