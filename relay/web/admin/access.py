"""Who may ask: bearer tokens for programs, sessions for browsers, and only under a name that is ours.

A session is a cookie that says until when it is good, sealed with the token that it was given for: it needs no memory,
so it outlasts a restart and holds at every replica, and it ends when its token is taken out of the configuration.
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field
from yarl import URL

from relay.sessions import SESSION_S, Sessions
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint
from relay.web.admin.problems import Problem
from relay.web.masking import shown_text

log = structlog.get_logger("relay.web.admin")

COOKIE = "relay_session"
CSRF_HEADER = "X-Relay-Request"  # a page of another origin cannot send it without being asked about first
READING = ("GET", "HEAD")
OPEN = ("/api/v1/openapi.json",)  # tells how to ask, and nothing of what is kept
PROBES = ("/healthz", "/readyz")
STATIC = "/static/"  # what a page looks like, also one that says that the name is foreign
NEEDS_TOKEN = "Send `Authorization: Bearer` with one of admin.tokens, or log in."  # noqa: S105 - no token
FOREIGN_HOST = (
    "The admin does not go by the name `{name}`. If it should, add that to `admin.hosts` in the configuration; an "
    "address, `localhost` and a name without a dot need no entry."
)
NAME_CHARACTERS = 253  # no name is longer: RFC 1035
NAMES_LOGGED = 20  # different ones, for whoever asks may make up any number


class Login(BaseModel):
    """What opens a session."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: str = Field(min_length=1, max_length=4096, description="One of admin.tokens.")


class Access:
    """Lets people in. hosts: names with a dot by which browsers may call it."""

    def __init__(self, sessions: Sessions, hosts: Callable[[], Iterable[str]]) -> None:
        self._sessions = sessions
        self._hosts = hosts
        self._foreign: set[str] = set()

    def endpoints(self) -> list[Endpoint]:
        """List what a browser needs to come and go."""
        return [
            Endpoint(
                "POST",
                "/login",
                self.login,
                "Open a session for a browser: answers with a cookie.",
                "Session",
                body=Login,
                problems={401: "No such token.", 403: "Sent by a page of another origin.", 429: "Too many tries."},
            ),
            Endpoint("POST", "/logout", self.logout, "End the session of this browser.", "Session"),
        ]

    @web.middleware
    async def require_own_name(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what was asked under a foreign name: a page whose name was made to point here (DNS rebinding)."""
        host = request.headers.get("Host", "")
        if request.path not in PROBES and not request.path.startswith(STATIC) and not self._is_ours(host):
            name = shown_text(host)[:NAME_CHARACTERS]
            self._tell_foreign(name)
            return answers.problem(421, FOREIGN_HOST.format(name=name))
        return await handler(request)

    @web.middleware
    async def require_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let only who has a token or a session see the API. Metrics tell no content and no secret, and are open."""
        if not request.path.startswith("/api/") or request.path in OPEN:
            return await handler(request)
        if "Authorization" in request.headers:
            if not self._is_known(request.headers["Authorization"]):
                return _unknown()
        elif not self._sessions.holds(request.cookies.get(COOKIE, "")):
            return _unknown()
        elif request.method not in READING and not _is_of_our_page(request):
            detail = f"A browser changes something only from our own page, with the header {CSRF_HEADER}."
            return answers.problem(403, detail)
        return await handler(request)

    async def login(self, call: Call) -> web.Response:
        """Give a session to who has a token."""
        response = answers.data({"expires_in_s": SESSION_S})
        self.open_session(call.http, call.body.token, response)
        return response

    async def logout(self, _: Call) -> web.Response:
        """Take the cookie away."""
        response = answers.data({"expires_in_s": 0})
        self.end_session(response)
        return response

    def open_session(self, http: web.Request, given: str, response: web.StreamResponse) -> None:
        """Send the cookie of a session along to who gives a token. Errors: Problem."""
        if not _is_same_origin(http):
            raise Problem(403, "Log in from our own page.")
        if not self._sessions.may_try():
            raise Problem(429, "Too many tries; wait a minute.")
        session = self._sessions.begun(given)
        if session is None:
            raise Problem(401, "There is no such token; expected one of admin.tokens.", "token")
        response.set_cookie(
            COOKIE,
            session,
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=http.secure,
        )

    def end_session(self, response: web.StreamResponse) -> None:
        """Send word along that the cookie is no more."""
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")

    def form_token(self, http: web.Request) -> str | None:
        """Return what a form of this session must send along, or None where there is no session."""
        return self._sessions.form_token(http.cookies.get(COOKIE, ""))

    def is_own_form(self, http: web.Request, given: str) -> bool:
        """Tell whether a form was sent from a page of ours, to this session."""
        return self._sessions.is_own_form(http.cookies.get(COOKIE, ""), given) and _is_same_origin(http)

    def _tell_foreign(self, name: str) -> None:
        """Log each name once: who scrapes by it sees no more than a status."""
        if name not in self._foreign and len(self._foreign) < NAMES_LOGGED:
            self._foreign.add(name)
            log.warning("admin_asked_by_foreign_name", name=name, next_step="if it is yours, add it to admin.hosts")

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return self._sessions.has_token(token.strip()) and scheme.lower() == "bearer"

    def _is_ours(self, host: str) -> bool:
        """Tell whether a name cannot be a stranger's: an address, a name without a dot, or one that is configured."""
        try:
            name = (URL(f"http://{host}").host or "").lower().removesuffix(".")
        except ValueError:
            return False
        if not name or "/" in host or "@" in host:
            return False
        return "." not in name or name.endswith(".localhost") or _is_address(name) or name in self._hosts()


def _unknown() -> web.Response:
    return answers.problem(401, NEEDS_TOKEN, {"WWW-Authenticate": "Bearer"})


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_of_our_page(request: web.Request) -> bool:
    return CSRF_HEADER in request.headers and _is_same_origin(request)


def _is_same_origin(request: web.Request) -> bool:
    """Tell whether a browser says that our own page asks; what is no browser says nothing."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("Host", "")
