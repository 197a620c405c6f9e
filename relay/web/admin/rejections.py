"""Requests that were refused: shown without what proves them, and admitted once the configuration is mended."""

from collections.abc import Sequence

from aiohttp import web

from relay.domain import Answer, Receipt, Refusal
from relay.quarantine import as_request
from relay.store.ports.rejections import Rejection
from relay.web import answers
from relay.web.admin.asking import LIMIT, NUMBER_CURSOR, Call, Choice, Endpoint, Words, cursor
from relay.web.admin.desk import Desk
from relay.web.admin.events import download
from relay.web.admin.masking import shown_headers, shown_path
from relay.web.admin.problems import Problem
from relay.web.telling import told_rejection, told_rejection_row

NO_REJECTION = "There is no such refused request, or it is not kept any more."
NOT_FOUND = {404: NO_REJECTION}


class Rejections:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        one = "/api/v1/rejections/{id}"
        query = (
            Words("source", "Of this source."),
            Choice("reason", "Refused for this.", Refusal),
            LIMIT,
            NUMBER_CURSOR,
        )
        refused = {**NOT_FOUND, 409: "It is refused again, was admitted already, or its body was never read."}
        return [
            Endpoint(
                "GET",
                "/api/v1/rejections",
                self.page,
                "List refused requests, newest first. In a flood only some of a source are kept.",
                "RejectionPage",
                query=query,
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
        headers = shown_headers(rejection.headers, source.unkept_headers if source else frozenset())
        return answers.data(told_rejection(rejection, headers, shown_path(rejection.path)))

    async def body(self, call: Call) -> web.Response:
        """Return its body: to be saved, never to be shown as what it claims to be."""
        rejection = await self._rejection(call)
        return download(rejection.body, f"refused-{rejection.number}")

    async def admit(self, call: Call) -> web.Response:
        """Accept it, if it is proven now."""
        desk, rejection = self._desk, await self._rejection(call)
        source = desk.config().sources.get(rejection.source)
        if rejection.event_id is not None:
            raise Problem(409, f"It was admitted already, as {rejection.event_id}.", "id")
        if source is None:
            raise Problem(409, f"Its source, {rejection.source}, is not configured any more.", "id")
        if not rejection.is_whole:
            raise Problem(409, "It was refused before its body was read; its sender must send it again.", "id")
        result = await desk.ingest.admit(as_request(rejection), source, rejection.received_at)
        if isinstance(result, Refusal):
            raise Problem(409, f"It is refused again: {result.value}. Mend the source's configuration first.", "id")
        if isinstance(result, Answer):
            raise Problem(409, "It is a vendor's handshake, which is answered and not kept.", "id")
        return await self._admitted(rejection, result)

    async def _admitted(self, rejection: Rejection, receipts: Sequence[Receipt]) -> web.Response:
        first = receipts[0]
        await self._desk.store.rejections.note_admitted(rejection.number, first.event_id)
        told = {"id": first.event_id, "duplicate": first.is_duplicate, "events": len(receipts)}
        return answers.data(told)

    async def _rejection(self, call: Call) -> Rejection:
        number = call.number("id")
        rejection = None if number is None else await self._desk.store.rejections.one(number)
        if rejection is None:
            raise Problem(404, NO_REJECTION, "id")
        return rejection
