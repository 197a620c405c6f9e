"""The public door: `POST /in/{source}`, and the two probes. Nothing here knows the admin."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import unquote

from aiohttp import HttpVersion10, HttpVersion11, web

from relay.clock import Clock
from relay.domain import Answer, Bounds, Cut, InboundRequest, Refusal, Source
from relay.errors import KeyUnavailable, StoreError
from relay.health import Health
from relay.ingest import Ingest, Received
from relay.singles import Singles
from relay.web import answers, probes
from relay.web.answers import Response
from relay.web.bodies import Bodies, NoRoom
from relay.web.crowd import Crowd
from relay.web.proxies import Proxies
from relay.web.server import TooSlow, Unfinished

ALIVE_PATH = "/healthz"
CHUNKED = "chunked"
GO_ON = "100-continue"
Networks = Sequence[IPv4Network | IPv6Network]


class InboundDoor:
    """Turns HTTP into inbound requests, and what became of them into answers."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        ingest: Ingest,
        health: Health,
        public_url: str | None,
        trusted: Networks,
        tell_malformed: Callable[[str], None],
        singles: Singles,
        bounds: Bounds,
        clock: Clock,
        tell_cut: Callable[[Cut], None],
    ) -> None:
        self._singles = singles
        self._sources = sources
        self._ingest = ingest
        self._health = health
        self._proxies = Proxies(trusted, public_url)
        self._tell_malformed = tell_malformed
        self._bodies = Bodies(bounds.bodies_bytes_max)
        self.crowd = Crowd(bounds, clock, tell_cut, self._trusts)
        self._under_way = 0
        self._nothing_under_way = asyncio.Event()
        self._is_closing = False

    def adopt(self, sources: Mapping[str, Source], public_url: str | None, trusted: Networks, bounds: Bounds) -> None:
        """Receive for these sources. Requests under way finish as they have begun."""
        self._sources = sources
        self._proxies = Proxies(trusted, public_url)
        self._bodies.bytes_max = bounds.bodies_bytes_max
        self.crowd.adopt(bounds)

    def _trusts(self, peer: str) -> bool:
        return self._proxies.trusts(peer)

    async def serve(self, http: web.BaseRequest) -> Response:
        """Answer one request; while closing, hang up afterwards."""
        self._under_way += 1
        try:
            if self._under_way > self.crowd.bounds.requests_max and not self._makes_room(http):
                response: Response = _closing(answers.overloaded())
            else:
                response = await self._served(http)
        finally:
            self._under_way -= 1
            if self._is_closing and not self._under_way:
                self._nothing_under_way.set()
        return _closing(response) if self._is_closing else response

    def _makes_room(self, http: web.BaseRequest) -> bool:
        """Find room for one request too many. A process is not restarted for having much to do."""
        return self.crowd.hurry() or http.rel_url.raw_path == ALIVE_PATH

    async def finish(self, grace_s: float) -> None:
        """Come back once all requests under way are answered, those whose bodies still come included, or time is up.

        aiohttp's own shutdown drops what still arrives of a body, and then waits for it in vain.
        """
        self._is_closing = True
        if self._under_way:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._nothing_under_way.wait()

    def _served(self, http: web.BaseRequest) -> Awaitable[Response]:
        """Find what a request is for. Without a router: there are three places, and this is the hot path."""
        if http.version is not HttpVersion11 and http.version != HttpVersion10:
            return _said(answers.LastWord(400, "HTTP/1.1 is spoken here."))
        match http.rel_url.raw_path.split("/"):
            case ["", "in", name]:
                return self._receive(http, unquote(name), None)
            case ["", "in", name, token]:
                return self._receive(http, unquote(name), unquote(token))
            case ["", "healthz"]:
                response = _only_reading(http) or probes.alive()
            case ["", "readyz"]:
                return self._readiness(http)
            case _:
                response = answers.problem(404, "There is nothing here. Events are sent to /in/SOURCE.")
        return _said(_unread(http, response))

    async def _readiness(self, http: web.BaseRequest) -> Response:
        response = _only_reading(http) or await probes.readiness(self._health, self._singles, http.query)
        return _unread(http, response)

    async def _receive(self, http: web.BaseRequest, name: str, token: str | None) -> Response:
        """Receive one event: prove as much as can be, read, and ingest."""
        source = self._sources.get(name)
        if source is None or (token is not None and not source.takes_token):
            return _unread(http, answers.problem(404, "There is no such source."))
        if source.takes_token and token is None:
            token = http.query.get("token")
        if (refused := self._refused_unread(http, source, token)) is not None:
            return _unread(http, refused)
        if "Expect" in http.headers and http.version is HttpVersion11:
            await _go_on(http)
        try:
            body = await self._bodies.read(http, source.body_bytes_max)
        except (OSError, RuntimeError, web.RequestPayloadError, NoRoom) as fault:
            return self._broken_off(source, fault)
        if body is None:
            return self._too_large(source)
        try:
            result = await self._ingest.receive(self._inbound(http, body, token), source)
        except (StoreError, KeyUnavailable):
            return answers.unavailable()
        finally:
            self._bodies.let_go(body)
        return self._answered(result, source)

    def _answered(self, result: Received, source: Source) -> Response:
        """Answer by what became of a request."""
        match result:
            case Answer():
                return answers.said(result)
            case Refusal():
                refused = answers.refused(result, self._ingest.retry_after_s(source))
                return answers.without_body(refused) if source.tells_nothing else refused
            case receipts if source.tells_nothing:
                return answers.bodiless(source.respond_status)
            case receipts:
                return answers.accepted(receipts, source.respond_status)

    def _refused_unread(self, http: web.BaseRequest, source: Source, token: str | None) -> Response | None:
        """Refuse what can be refused before the body is read."""
        if http.method != "POST":
            return self._greeted(http, source, token)
        length = http.content_length
        if length is None and http.headers.get("Transfer-Encoding", CHUNKED).lower() != CHUNKED:
            return _closing(answers.problem(400, "A body may come in chunks, and in no other transfer coding."))
        if length is not None and length > source.body_bytes_max:
            return self._too_large(source)
        if "Expect" in http.headers and any(value.lower() != GO_ON for value in http.headers.getall("Expect")):
            return answers.problem(417, "Nothing but 100-continue can be expected here.")
        if source.proves_early and not http.content.is_eof():
            refusal = self._ingest.refuse_early(self._inbound(http, b"", token), source)
            return None if refusal is None else answers.refused(refusal)
        return None

    def _greeted(self, http: web.BaseRequest, source: Source, token: str | None) -> Response:
        """Answer a handshake that has no body."""
        match self._ingest.greet(self._inbound(http, b"", token), source):
            case Answer() as answer:
                return answers.said(answer)
            case Refusal() as refusal:
                return answers.refused(refusal)
            case _:
                return answers.problem(405, "Events are sent by POST.", {"Allow": "POST"})

    def _too_large(self, source: Source) -> Response:
        """Refuse a body that is not read, or no further."""
        self._ingest.refuse(source, Refusal.TOO_LARGE)
        return _closing(answers.refused(Refusal.TOO_LARGE))

    def _broken_off(self, source: Source, fault: Exception) -> Response:
        """Count a body that never came whole; its sender has mostly gone."""
        match fault:
            case NoRoom():
                self._ingest.turn_away(source, "too much of other bodies is in memory; see server.bodies_max")
                response = answers.overloaded()
            case TooSlow():
                response = answers.problem(408, "The body did not come within its time.")
            case _:
                if not isinstance(fault, Unfinished):
                    self._tell_malformed("broken off")
                response = answers.problem(400, "The body did not come whole.")
        return _closing(response)

    def _inbound(self, http: web.BaseRequest, body: bytes, token: str | None) -> InboundRequest:
        path, _, query = http.raw_path.partition("?")
        return InboundRequest(
            http.method, self._proxies.origin(http), path, query, http.headers, body, self._proxies.sender(http), token
        )


async def _go_on(http: web.BaseRequest) -> None:
    """Tell a sender that asks first to send its body. Source: RFC 9110, 10.1.1."""
    await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    http.writer.output_size = 0  # the answer itself has not begun


async def _said(response: Response) -> Response:
    """Answer what is known already."""
    return response


def _closing(response: Response) -> Response:
    """Answer and hang up, rather than read the rest."""
    response.force_close()
    return response


def _unread(http: web.BaseRequest, response: Response) -> Response:
    """Answer without having read the body; where it is not whole, hang up, so that nobody takes it for a request.

    A sender that asked first may leave it out. Source: RFC 9110, 10.1.1.
    """
    return response if http.content.is_eof() else _closing(response)


def _only_reading(http: web.BaseRequest) -> Response | None:
    if http.method in ("GET", "HEAD"):
        return None
    return answers.problem(405, "This is read by GET.", {"Allow": "GET, HEAD"})
