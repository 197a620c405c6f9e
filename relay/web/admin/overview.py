"""The relay at a glance: minutes and sources."""

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from relay.domain import Source
from relay.minutes import SPAN_MAX, last_minutes
from relay.silence import MINUTE
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint, Whole
from relay.web.admin.desk import Desk
from relay.web.telling import iso, told_minutes

MINUTES = Whole("minutes", "How many minutes, up to now.", 1, SPAN_MAX, 60)


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
                "Tell what happened in each minute, or, of more than two hours, in each 5 or 15 minutes: by source and "
                "target, added up over all processes.",
                "Stats",
                query=(MINUTES,),
            ),
            Endpoint("GET", "/api/v1/sources", self.sources, "Tell how every source stands.", "SourcePage"),
        ]

    async def stats(self, call: Call) -> web.Response:
        """Answer with the figures of each step that has any."""
        span = last_minutes(call.query["minutes"], self._desk.clock.now())
        figures = await self._desk.store.minutes.between(span.since, span.until, span.step)
        return answers.data(told_minutes(figures, span))

    async def sources(self, _: Call) -> web.Response:
        """Answer with what is configured, when each last sent an event, and with which of its secrets."""
        minutes, sources = self._desk.store.minutes, self._desk.config().sources
        seen, proofs = await minutes.last_seen(), await minutes.last_proofs()
        items = [
            {
                **_told_source(source),
                "last_event_at": iso(seen.get(name)),
                "silent_since": iso(self._silent_since(source, seen.get(name))),
                "secrets": _told_secrets(source, proofs),
            }
            for name, source in sources.items()
        ]
        return answers.data({"items": items, "next": None})

    def _silent_since(self, source: Source, last_minute: datetime | None) -> datetime | None:
        """Tell since when a source has been silent, where that is too long: by the store, which knows all processes."""
        if source.expect_every is None:
            return None
        if last_minute is None:
            return self._desk.singles.silent_since(source.name)
        last = last_minute + MINUTE  # it came within the minute
        return last if self._desk.clock.now() - last > source.expect_every else None


def _told_secrets(source: Source, proofs: Mapping[tuple[str, int], datetime]) -> list[dict[str, object]]:
    """Tell when each secret last proved a request; what is older than the minutes that are kept is not known."""
    count = len(source.keyrings) or int(source.has_secret)
    return [
        {"number": number, "last_used_at": iso(proofs.get((source.name, number)))} for number in range(1, count + 1)
    ]


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
        "expect_every_s": source.expect_every.total_seconds() if source.expect_every else None,
    }
