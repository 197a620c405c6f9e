"""Events: found, told whole, downloaded, replayed."""

from aiohttp import web

from relay.finding import COUNTED_MAX
from relay.replays import replay_event
from relay.store.ports.search import EventFilter, EventStatus
from relay.store.protocol import EventRecord
from relay.web import answers
from relay.web.admin.asking import LIMIT, SINCE, UNTIL, Call, Choice, Endpoint, Words
from relay.web.admin.desk import Desk
from relay.web.admin.problems import Problem
from relay.web.cursors import EVENT_CURSOR, cursor
from relay.web.masking import shown_headers
from relay.web.telling import iso, told_event, told_event_row

NO_EVENT = "There is no such event; it may have been purged after storage.keep."
NOT_FOUND = {404: "There is no such event, or not any more."}
FILTER = (
    Words("source", "Of this source."),
    Words("type", "Of this type."),
    Choice("status", "As it stands by the worst of its deliveries.", EventStatus),
    Words("target", "With a delivery to this target."),
    SINCE,
    UNTIL,
    Words("q", "In the id, the key, or the first 64 KiB of the body, in just these letters."),
)


class Events:
    """The resource."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        one = "/api/v1/events/{id}"
        return [
            Endpoint(
                "GET",
                "/api/v1/events",
                self.page,
                "Find events, newest first. A page may be short, or empty, and still have a `next`: it tells how many "
                "events it looked at.",
                "EventPage",
                query=(*FILTER, LIMIT, EVENT_CURSOR),
            ),
            Endpoint(
                "GET", "/api/v1/events/count", self.count, f"Count events, up to {COUNTED_MAX}.", "Count", query=FILTER
            ),
            Endpoint("GET", one, self.one, "Tell an event's whole story.", "Event", problems=NOT_FOUND),
            Endpoint("GET", f"{one}/body", self.body, "Download its body, as it came.", "Bytes", problems=NOT_FOUND),
            Endpoint(
                "POST",
                f"{one}/replay",
                self.replay,
                "Send it again to all its targets, or to one.",
                "Replayed",
                status=202,
                query=(Words("target", "Only to this target."),),
                problems=NOT_FOUND,
            ),
        ]

    async def page(self, call: Call) -> web.Response:
        """Answer with a page."""
        wanted = event_filter(call)
        page = await self._desk.store.search.events(wanted, call.query.get("cursor"), call.query["limit"])
        items = [told_event_row(row) for row in page.events]
        return answers.data({"items": items, "next": cursor(page.last), "searched": page.searched})

    async def count(self, call: Call) -> web.Response:
        """Answer with how many there are, or at least how many."""
        found = await self._desk.store.search.event_ids(event_filter(call), None, COUNTED_MAX, oldest_first=False)
        return answers.data({"count": len(found.ids), "exact": found.last is None, "searched": found.searched})

    async def one(self, call: Call) -> web.Response:
        """Answer with everything but its body."""
        record = await self._record(call)
        source = self._desk.config().sources.get(record.event.source)
        headers = shown_headers(record.event.headers, source.proving_headers if source else frozenset())
        expires = iso(record.event.key_expires_at)
        return answers.data({**told_event(record), "headers": headers, "key_expires_at": expires})

    async def body(self, call: Call) -> web.Response:
        """Return a body as it came: to be saved, never to be shown as what it claims to be."""
        record = await self._record(call)
        return download(record.event.body, record.event.id)

    async def replay(self, call: Call) -> web.Response:
        """Send it again, whatever became of it."""
        record, desk = await self._record(call), self._desk
        count = await replay_event(desk.store, record, call.query.get("target"), desk.clock.now())
        desk.lanes.wake(delivery.target for delivery in record.deliveries)
        return answers.data({"id": record.event.id, "replayed": count}, 202)

    async def _record(self, call: Call) -> EventRecord:
        event_id = call.named("id", "evt_[0-9a-f]{32}")
        record = await self._desk.store.event(event_id) if event_id else None
        if record is None:
            raise Problem(404, NO_EVENT, "id")
        return record


def event_filter(call: Call) -> EventFilter:
    """Return which events a query means."""
    asked = call.query
    named = (asked.get(name) for name in ("source", "type", "status", "target", "since", "until", "q"))
    return EventFilter(*named)


def download(body: bytes, name: str) -> web.Response:
    """Answer with bytes that no browser takes for anything else."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=body, headers=headers)
