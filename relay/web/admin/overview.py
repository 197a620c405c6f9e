"""The relay at a glance: minutes and sources."""

from datetime import timedelta

from aiohttp import web

from relay.domain import Source
from relay.minutes import minute_of
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint, Whole
from relay.web.admin.desk import Desk
from relay.web.telling import iso, told_minutes

MINUTES = Whole("minutes", "How many minutes, up to now.", 1, 1440, 60)


class Overview:
    """The resources."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """List what can be asked."""
        return [
            Endpoint(
                "GET",
                "/api/v1/stats",
                self.stats,
                "Tell what happened in each minute, by source and target, added up over all processes.",
                "Stats",
                query=(MINUTES,),
            ),
            Endpoint("GET", "/api/v1/sources", self.sources, "Tell how every source stands.", "SourcePage"),
        ]

    async def stats(self, call: Call) -> web.Response:
        """Answer with the figures of each minute that has any."""
        until = minute_of(self._desk.clock.now()) + timedelta(minutes=1)
        since = until - timedelta(minutes=call.query["minutes"])
        figures = await self._desk.store.minutes.between(since, until)
        return answers.data(told_minutes(figures, since, until))

    async def sources(self, _: Call) -> web.Response:
        """Answer with what is configured, and when each last sent an event."""
        seen = await self._desk.store.minutes.last_seen()
        sources = self._desk.config().sources
        items = [{**_told_source(source), "last_event_at": iso(seen.get(name))} for name, source in sources.items()]
        return answers.data({"items": items, "next": None})


def _told_source(source: Source) -> dict[str, object]:
    limit = source.limit
    return {
        "name": source.name,
        "preset": source.preset,
        "path": f"/in/{source.name}",
        "takes_token": source.takes_token,
        "max_body_bytes": source.body_bytes_max,
        "limit": None if limit is None else {"count": limit.count, "per_s": limit.per_s},
        "routes": [route.name for route in source.routes],
    }
