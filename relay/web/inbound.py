"""The public door: `POST /in/{source}`, and the two probes. Nothing here knows the admin."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web

from relay.domain import InboundRequest, Receipt, Refusal, Source
from relay.errors import StoreError
from relay.health import Health
from relay.ingest import Ingest
from relay.web import answers
from relay.web.proxies import Proxies

Networks = Sequence[IPv4Network | IPv6Network]


class InboundDoor:
    """Turns HTTP into inbound requests, and what became of them into answers."""

    def __init__(
        self, sources: Mapping[str, Source], ingest: Ingest, health: Health, public_url: str | None, trusted: Networks
    ) -> None:
        self._sources = sources
        self._ingest = ingest
        self._health = health
        self._proxies = Proxies(trusted, public_url)

    def application(self) -> web.Application:
        """Build what is served on the public port. Bodies come as they were sent: nothing is unpacked."""
        application = web.Application()
        application.router.add_route("*", "/in/{source}", self.receive)
        application.router.add_route("*", "/in/{source}/{token}", self.receive)
        application.router.add_route("*", "/healthz", self.live)
        application.router.add_route("*", "/readyz", self.ready)
        application.router.add_route("*", "/{path:.*}", self.unknown)
        return application

    async def receive(self, http: web.Request) -> web.Response:
        """Receive one event."""
        source = self._sources.get(http.match_info["source"])
        if source is None or ("token" in http.match_info and not source.takes_token):
            return answers.problem(404, "There is no such source.")
        if http.method != "POST":
            return answers.problem(405, "Events are sent by POST.", {"Allow": "POST"})
        body = await _read_bounded(http, source.body_bytes_max)
        if body is None:
            return _closing(answers.refused(Refusal.TOO_LARGE))
        return self._answer(await self._ingested(self._inbound(http, body, source), source), source)

    async def _ingested(self, request: InboundRequest, source: Source) -> Receipt | Refusal | None:
        try:
            return await self._ingest.receive(request, source)
        except StoreError:
            return None

    def _answer(self, result: Receipt | Refusal | None, source: Source) -> web.Response:
        match result:
            case Receipt():
                return answers.accepted(result, source.respond_status)
            case Refusal():
                return answers.refused(result, self._ingest.retry_after_s(source))
            case None:
                return answers.unavailable()

    def _inbound(self, http: web.Request, body: bytes, source: Source) -> InboundRequest:
        token = None
        if source.takes_token:
            token = http.match_info.get("token") or http.query.get("token")
        path, _, query = http.raw_path.partition("?")
        return InboundRequest(
            method=http.method,
            origin=self._proxies.origin(http),
            path=path,
            query_string=query,
            headers=http.headers,
            body=body,
            remote=self._proxies.sender(http),
            token=token,
        )

    async def live(self, http: web.Request) -> web.Response:
        """Say that the process lives."""
        return _only_reading(http) or answers.data({"status": "alive"})

    async def ready(self, http: web.Request) -> web.Response:
        """Say whether it can accept and deliver, having tried."""
        if (refused := _only_reading(http)) is not None:
            return refused
        checks = await self._health.checks()
        is_ready = all(check.ok for check in checks.values())
        told = {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()}
        status = "ready" if is_ready else "unready"
        return answers.data({"status": status, "checks": told}, 200 if is_ready else 503)

    async def unknown(self, _: web.Request) -> web.Response:
        """Say that nothing is here."""
        return answers.problem(404, "There is nothing here. Events are sent to /in/SOURCE.")


async def _read_bounded(http: web.Request, bytes_max: int) -> bytes | None:
    """Read the body, or return None as soon as it is too large: by its declared length, or while it comes."""
    declared = http.content_length
    if declared is not None and declared > bytes_max:
        return None
    if not http.body_exists:
        return b""
    stream = http.content
    first = await stream.readany()
    if stream.at_eof():
        return first if len(first) <= bytes_max else None
    chunks, size = [first], len(first)
    while chunk := await stream.readany():
        size += len(chunk)
        if size > bytes_max:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _closing(response: web.Response) -> web.Response:
    """Answer and hang up, rather than read the rest."""
    response.force_close()
    return response


def _only_reading(http: web.Request) -> web.Response | None:
    if http.method in ("GET", "HEAD"):
        return None
    return answers.problem(405, "This is read by GET.", {"Allow": "GET, HEAD"})
