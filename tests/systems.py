"""Systems that receive, each as strict as its documentation: what it does not describe is refused."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

Json = dict[str, Any]


@dataclass
class System:
    """What every one of them does: count calls, keep what was accepted, answer as it is told next."""

    accepted: list[Json] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    logins: int = 0
    next_answers: list[web.Response] = field(default_factory=list)
    calls_per_token: int = 1_000_000
    server: TestServer | None = None
    _calls_left: dict[str, int] = field(default_factory=dict)

    path: ClassVar[str] = "/"  # of the resource that the tests call

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return its endpoints, by method and path."""
        return {("POST", self.path): self.take}

    async def take(self, request: web.Request) -> web.Response:
        """Take a document."""
        if self.next_answers:
            return self.next_answers.pop(0)
        if (complaint := self.judge(request)) is not None:
            return self.no(401, complaint)
        try:
            document = json.loads(await request.read())
        except ValueError:
            return self.no(400, "no JSON")
        if request.content_type != "application/json":
            return self.no(415, "content type")
        if (complaint := self.wrong_with(document)) is not None:
            return self.no(422, complaint)
        self.accepted.append(document)
        return web.json_response({"ok": True}, status=201)

    def judge(self, request: web.Request) -> str | None:
        """Say why a request is not authenticated."""
        return None

    def wrong_with(self, document: Any) -> str | None:
        """Say what is missing in a document."""
        return None

    def no(self, status: int, complaint: str) -> web.Response:
        self.refused.append((status, complaint))
        return web.json_response({"status": status, "message": complaint}, status=status)

    def new_token(self) -> str:
        self.logins += 1
        token = f"session-{self.logins}-abcdefgh"
        self._calls_left[token] = self.calls_per_token
        return token

    def spend(self, token: str) -> bool:
        """Use a token up by one call."""
        left = self._calls_left.get(token, 0)
        self._calls_left[token] = left - 1
        return left > 0

    @property
    def origin(self) -> str:
        assert self.server is not None
        return str(self.server.make_url("")).rstrip("/")


class Tripletex(System):
    """Sessions by PUT with both tokens and a day; then Basic `0:session`."""

    path = "/v2/invoice"

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        return {**super().routes(), ("PUT", "/v2/token/session/:create"): self.create}

    async def create(self, request: web.Request) -> web.Response:
        if set(request.query) != {"consumerToken", "employeeToken", "expirationDate"}:
            return self.no(422, "parameters")
        if (request.query["consumerToken"], request.query["employeeToken"]) != ("consumer&1", "employee 1"):
            return self.no(401, "tokens")
        return web.json_response({"value": {"token": self.new_token()}})

    def judge(self, request: web.Request) -> str | None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        user, _, token = b64decode(encoded).decode().partition(":") if scheme == "Basic" else ("", "", "")
        return None if user == "0" and self.spend(token) else "session"


class FactPulse(System):
    """A JWT from a login, as Bearer."""

    path = "/api/v1/invoices"

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        return {**super().routes(), ("POST", "/api/token/"): self.log_in}

    async def log_in(self, request: web.Request) -> web.Response:
        if await request.json() != {"username": "us", "password": "pass'word"}:
            return self.no(401, "credentials")
        return web.json_response({"access": self.new_token(), "refresh": "r" * 2000})

    def judge(self, request: web.Request) -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return None if scheme == "Bearer" and self.spend(token) else "token"


class Siwapp(System):
    """`Token token="…"`, and JSON:API."""

    path = "/api/v1/invoices"

    def judge(self, request: web.Request) -> str | None:
        return None if request.headers.get("Authorization") == 'Token token="abc-123"' else "HTTP Token: Access denied."

    def wrong_with(self, document: Any) -> str | None:
        try:
            data = document["data"]
            items = data["relationships"]["items"]["data"]
            assert {"name", "issue_date", "series_id"} <= set(data["attributes"])
            assert all({"description", "quantity", "unitary_cost"} <= set(item["attributes"]) for item in items)
            float(items[0]["attributes"]["unitary_cost"])
        except (KeyError, TypeError, IndexError, AssertionError, ValueError) as error:
            return repr(error)
        return None


class ToSend(System):
    """A token from a login, in the query; what it refuses it repeats with the URL."""

    path = "/api/v1/invoiceContainersAPI"

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        return {**super().routes(), ("POST", "/api/v1/apiAuth"): self.log_in}

    async def log_in(self, request: web.Request) -> web.Response:
        if await request.json() != {"login": "us", "password": "pass'word", "customerName": "acme"}:
            return self.no(401, "credentials")
        return web.json_response({"result": {"token": self.new_token()}})

    def judge(self, request: web.Request) -> str | None:
        return None if self.spend(request.query.get("token", "")) else f"bad token at {request.url}"


class Pennylane(System):
    """A bearer token."""

    path = "/customer_invoices"

    def judge(self, request: web.Request) -> str | None:
        return None if request.headers.get("Authorization") == "Bearer penny-token" else "token"


@dataclass
class Chat(System):
    """A webhook whose path is the secret; it wants a text in its own place."""

    text_of: Callable[[Any], object] = lambda document: document["text"]

    path: ClassVar[str] = "/services/T0/B0/s3cretpath"

    def wrong_with(self, document: Any) -> str | None:
        try:
            text = self.text_of(document)
        except (KeyError, TypeError, IndexError):
            return "no text"
        return None if isinstance(text, str) and text else "no text"


@asynccontextmanager
async def running(system: System) -> AsyncIterator[System]:
    """Run a system on loopback."""
    application = web.Application()
    for (method, path), handler in system.routes().items():
        application.router.add_route(method, path, handler)
    system.server = TestServer(application)
    await system.server.start_server()
    try:
        yield system
    finally:
        await system.server.close()
