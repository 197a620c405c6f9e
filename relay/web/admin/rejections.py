"""Requests that were refused: shown without what proves them, and admitted once the configuration is mended."""

from aiohttp import web

from relay.admission import admit
from relay.domain import Refusal
from relay.store.ports.rejections import Rejection
from relay.web import answers
from relay.web.admin.asking import LIMIT, Call, Choice, Endpoint, Words
from relay.web.admin.desk import Desk
from relay.web.admin.events import download
from relay.web.admin.problems import Problem
from relay.web.cursors import NUMBER_CURSOR, cursor
from relay.web.masking import shown_headers, shown_path
from relay.web.telling import told_rejection, told_rejection_row

NO_REJECTION = "There is no such refused request, or it is not kept any more."
NOT_FOUND = {404: NO_REJECTION}
QUERY = (Words("source", "Of this source."), Choice("reason", "Refused for this.", Refusal))


class Rejections:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        one = "/api/v1/rejections/{id}"
        refused = {**NOT_FOUND, 409: "It is refused again, was admitted already, or its body was never read."}
        return [
            Endpoint(
                "GET",
                "/api/v1/rejections",
                self.page,
                "List refused requests, newest first. In a flood only some of a source are kept.",
                "RejectionPage",
                query=(*QUERY, LIMIT, NUMBER_CURSOR),
            ),
            Endpoint("GET", one, self.one, "Tell of one, without what proves it.", "Rejection", problems=NOT_FOUND),
            Endpoint("GET", f"{one}/body", self.body, "Download its body, as it came.", "Bytes", problems=NOT_FOUND),
            Endpoint(
                "POST",
                f"{one}/admit",
                self.admit,
                "Verify it again with the present configuration, as of when it came, and accept it.",
                "Admitted",
                problems=refused,
            ),
        ]

    async def page(self, call: Call) -> web.Response:
        """Answer with a page."""
        asked = call.query
        after = int(asked["cursor"]) if "cursor" in asked else None
        found = await self._desk.store.rejections.page(
            asked.get("source"), asked.get("reason"), after, asked["limit"] + 1
        )
        rows = found[: asked["limit"]]
        last = rows[-1].number if len(found) > len(rows) else None
        return answers.data({"items": [told_rejection_row(row) for row in rows], "next": cursor(last)})

    async def one(self, call: Call) -> web.Response:
        """Answer with its head, masked."""
        rejection = await self._rejection(call)
        source = self._desk.config().sources.get(rejection.source)
        headers = shown_headers(rejection.headers, source.proving_headers if source else frozenset())
        return answers.data(told_rejection(rejection, headers, shown_path(rejection.path)))

    async def body(self, call: Call) -> web.Response:
        """Return its body: to be saved, never to be shown as what it claims to be."""
        rejection = await self._rejection(call)
        return download(rejection.body, f"refused-{rejection.number}")

    async def admit(self, call: Call) -> web.Response:
        """Accept it, if it is proven now."""
        desk, rejection = self._desk, await self._rejection(call)
        result = await admit(rejection, desk.config().sources, desk.ingest, desk.store)
        if isinstance(result, str):
            raise Problem(409, result, "id")
        return answers.data({"id": result.event_id, "duplicate": result.is_duplicate, "events": result.events})

    async def _rejection(self, call: Call) -> Rejection:
        number = call.number("id")
        rejection = None if number is None else await self._desk.store.rejections.one(number)
        if rejection is None:
            raise Problem(404, NO_REJECTION, "id")
        return rejection
