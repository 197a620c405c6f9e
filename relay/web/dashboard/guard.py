"""Who sees a page: those with a session. Others sign in first, and come back to where they wanted to go."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web
from multidict import MultiDictProxy

from relay.web.admin.access import READING, Access
from relay.web.admin.problems import Problem
from relay.web.dashboard.rendering import Renderer

FORM_BYTES_MAX = 64 * 1024
HOME = "/"
NOT_OURS = "This form was not sent by a page of this session. Go back, load the page again, and try once more."

Form = MultiDictProxy[Any]
Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
Action = Callable[[web.Request, Form], Awaitable[str]]


class Guard:
    """Stands before every page and every form."""

    def __init__(self, access: Access, renderer: Renderer) -> None:
        self._access = access
        self._renderer = renderer

    def page(self, answer: Page) -> Page:
        """Answer a page to who has a session."""

        async def guarded(http: web.Request) -> web.StreamResponse:
            if self._access.form_token(http) is None:
                wanted = http.path_qs if http.method in READING else HOME
                return _see_other(f"/sign-in?next={quote(wanted, safe='')}")
            return await answer(http)

        return guarded

    def form(self, act: Action) -> Page:
        """Do what a form asks for, if it is of the session; then show the page that `act` names."""

        async def done(http: web.Request) -> web.StreamResponse:
            form = await read_form(http)
            if not self._access.is_own_form(http, str(form.get("csrf", ""))):
                raise Problem(403, NOT_OURS)
            return _see_other(await act(http, form))

        return self.page(done)

    async def sign_in(self, http: web.Request) -> web.Response:
        """Show where to sign in."""
        return self._renderer.page("sign_in.html", {"next": _local(http.query.get("next", HOME)), "problem": None})

    async def open(self, http: web.Request) -> web.StreamResponse:
        """Sign in."""
        try:
            form = await read_form(http)
            destination = _local(str(form.get("next", HOME)))
            response = _see_other(destination)
            self._access.open_session(http, str(form.get("token", "")).strip(), response)
        except Problem as problem:
            shown = {"next": HOME if problem.status == 413 else destination, "problem": problem.detail}
            return self._renderer.page("sign_in.html", shown, problem.status)
        return response

    async def close(self, http: web.Request) -> web.StreamResponse:
        """Sign out."""
        form = await read_form(http)
        response = _see_other("/sign-in")
        if self._access.is_own_form(http, str(form.get("csrf", ""))):
            self._access.end_session(response)
        return response

    def show(self, http: web.Request, template: str, shown: Mapping[str, Any], status: int = 200) -> web.Response:
        """Answer with a page of the session."""
        csrf, done = self._access.form_token(http), http.query.get("done", "")
        return self._renderer.page(template, {"csrf": csrf, "done": done, "path": http.path, **shown}, status)


async def read_form(http: web.Request) -> Form:
    """Read a form. Errors: Problem."""
    if (http.content_length or 0) > FORM_BYTES_MAX or http.content_length is None:
        raise Problem(413, f"A form has a length, of {FORM_BYTES_MAX} bytes at most.")
    return await http.post()


def _local(path: str) -> str:
    """Return a path of ours, whatever a link to the sign-in page asked for."""
    is_ours = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and "\\" not in path
    return path if is_ours else HOME


def _see_other(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
