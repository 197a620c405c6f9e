"""Deliveries: found, tried at once, cancelled."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web

from relay.domain import DeliveryStatus
from relay.store.ports.search import DeliveryFilter
from relay.web import answers
from relay.web.admin.asking import LIMIT, SINCE, UNTIL, Call, Choice, Endpoint, Words
from relay.web.admin.desk import Desk
from relay.web.admin.problems import Problem
from relay.web.cursors import NUMBER_CURSOR, cursor
from relay.web.telling import told_delivery_row

NO_DELIVERY = "There is no such delivery; its event may have been purged after storage.keep."
PROBLEMS = {404: "There is no such delivery, or not any more.", 409: "As it stands it cannot be changed so."}
CANCELLABLE = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)

Change = Callable[[int, datetime], Awaitable[DeliveryStatus | None]]


class Deliveries:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        one = "/api/v1/deliveries/{id}"
        query = (
            Words("target", "To this target."),
            Choice("status", "As it stands.", DeliveryStatus),
            SINCE,
            UNTIL,
            LIMIT,
            NUMBER_CURSOR,
        )
        retry = "Try a pending one at once; begin a final one anew."
        cancel = "Never send a pending one; lay aside one that died."
        return [
            Endpoint(
                "GET", "/api/v1/deliveries", self.page, "Find deliveries, newest first.", "DeliveryPage", query=query
            ),
            Endpoint("POST", f"{one}/retry", self.retry, retry, "Delivery", status=202, problems=PROBLEMS),
            Endpoint("POST", f"{one}/cancel", self.cancel, cancel, "Delivery", problems=PROBLEMS),
        ]

    async def page(self, call: Call) -> web.Response:
        """Answer with a page."""
        asked = call.query
        wanted = DeliveryFilter(*(asked.get(name) for name in ("target", "status", "since", "until")))
        after = int(asked["cursor"]) if "cursor" in asked else None
        page = await self._desk.store.search.deliveries(wanted, after, asked["limit"])
        items = [told_delivery_row(row) for row in page.deliveries]
        return answers.data({"items": items, "next": cursor(page.last), "searched": page.searched})

    async def retry(self, call: Call) -> web.Response:
        """Have one sent at once."""
        number, stood = await self._change(call, self._desk.store.changes.retry)
        if stood is DeliveryStatus.SENDING:
            raise Problem(409, "It is being sent at this moment; look again in a while.", "id")
        return await self._told(number, 202)

    async def cancel(self, call: Call) -> web.Response:
        """Have one never sent."""
        number, stood = await self._change(call, self._desk.store.changes.cancel)
        if stood not in CANCELLABLE:
            raise Problem(409, f"It is {stood.value}; expected pending or dead.", "id")
        return await self._told(number, 200)

    async def _change(self, call: Call, change: Change) -> tuple[int, DeliveryStatus]:
        number = call.number("id")
        stood = None if number is None else await change(number, self._desk.clock.now())
        if number is None or stood is None:
            raise Problem(404, NO_DELIVERY, "id")
        return number, stood

    async def _told(self, number: int, status: int) -> web.Response:
        row = await self._desk.store.search.delivery(number)
        if row is None:
            raise Problem(404, NO_DELIVERY, "id")
        self._desk.lanes.wake([row.target])
        return answers.data(told_delivery_row(row), status)
