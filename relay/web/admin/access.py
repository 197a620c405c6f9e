"""Who may ask: bearer tokens for programs, sessions for browsers, and only under a name that is ours.

A session is a cookie that says until when it is good, sealed with the token that it was given for: it needs no memory,
so it outlasts a restart and holds at every replica, and it ends when its token is taken out of the configuration.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field
from yarl import URL

from relay.clock import Clock
from relay.domain import Rate, Secret
from relay.pacing import TokenBucket
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint
from relay.web.admin.problems import Problem

COOKIE = "relay_session"
SESSION_S = 12 * 3600
CSRF_HEADER = "X-Relay-Request"  # a page of another origin cannot send it without being asked about first
LOGINS = Rate(10, 60.0)
READING = ("GET", "HEAD")
OPEN = ("/api/v1/openapi.json",)  # tells how to ask, and nothing of what is kept
PROBES = ("/healthz", "/readyz")
NEEDS_TOKEN = "Send `Authorization: Bearer` with one of admin.tokens, or log in."  # noqa: S105 - no token
FOREIGN_HOST = "The admin does not go by this name; a name with a dot must be among `admin.hosts`."


class Login(BaseModel):
    """What opens a session."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: str = Field(min_length=1, max_length=4096, description="One of admin.tokens.")


class Access:
    """Lets people in. hosts: names with a dot by which browsers may call it."""

    def __init__(self, tokens: Sequence[Secret], hosts: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._clock = clock
        self._logins = TokenBucket(LOGINS)

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
        if request.path not in PROBES and not self._is_ours(request.headers.get("Host", "")):
            return answers.problem(421, FOREIGN_HOST)
        return await handler(request)

    @web.middleware
    async def require_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let only who has a token or a session see the API. Metrics tell no content and no secret, and are open."""
        if not request.path.startswith("/api/") or request.path in OPEN:
            return await handler(request)
        if "Authorization" in request.headers:
            if not self._is_known(request.headers["Authorization"]):
                return _unknown()
        elif not self._has_session(request.cookies.get(COOKIE, "")):
            return _unknown()
        elif request.method not in READING and not _is_of_our_page(request):
            detail = f"A browser changes something only from our own page, with the header {CSRF_HEADER}."
            return answers.problem(403, detail)
        return await handler(request)

    async def login(self, call: Call) -> web.Response:
        """Give a session to who has a token."""
        if not _is_same_origin(call.http):
            raise Problem(403, "Log in from our own page.")
        if self._logins.take(self._clock.monotonic()) > 0:
            raise Problem(429, "Too many tries; wait a minute.")
        token = next((known for known in self._tokens if _is(known, call.body.token)), None)
        if token is None:
            raise Problem(401, "There is no such token; expected one of admin.tokens.", "token")
        expires = int(self._clock.now().timestamp()) + SESSION_S
        response = answers.data({"expires_in_s": SESSION_S})
        response.set_cookie(
            COOKIE,
            f"{expires}.{_seal(token, expires)}",
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=call.http.secure,
        )
        return response

    async def logout(self, _: Call) -> web.Response:
        """Take the cookie away."""
        response = answers.data({"expires_in_s": 0})
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return response

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        matches = [_is(known, token.strip()) for known in self._tokens]  # all, in any case
        return scheme.lower() == "bearer" and any(matches)

    def _has_session(self, cookie: str) -> bool:
        expires, _, seal = cookie.partition(".")
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 12):
            return False
        given = seal.encode("utf-8", "surrogateescape")
        matches = [compare_digest(given, _seal(token, int(expires)).encode()) for token in self._tokens]
        return any(matches) and self._clock.now().timestamp() < int(expires)

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


def _is(known: Secret, given: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogatepass"), known.reveal())


def _seal(token: Secret, expires: int) -> str:
    return hmac.new(token.reveal(), f"relay session until {expires}".encode(), sha256).hexdigest()


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
