"""The relay at a glance: minutes, sources, and the configuration in use."""

from datetime import timedelta

from aiohttp import web

from relay.domain import Source
from relay.minutes import minute_of
from relay.store.ports.minutes import ALL_DURATIONS, Figure
from relay.web import answers
from relay.web.admin.asking import Call, Endpoint, Whole
from relay.web.admin.desk import Desk
from relay.web.admin.masking import shown_config
from relay.web.telling import iso

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
            Endpoint("GET", "/api/v1/config", self.configuration, "Show the configuration in use.", "Config"),
        ]

    async def stats(self, call: Call) -> web.Response:
        """Answer with the figures of each minute that has any."""
        until = minute_of(self._desk.clock.now()) + timedelta(minutes=1)
        since = until - timedelta(minutes=call.query["minutes"])
        figures = await self._desk.store.minutes.between(since, until)
        told = {
            "since": iso(since),
            "until": iso(until),
            "events": [_told(figure, "source", "result") for figure in figures if figure.kind.what == "event"],
            "deliveries": [_told(figure, "target", "outcome") for figure in figures if figure.kind.what == "delivery"],
            "durations": [_told_duration(figure) for figure in figures if figure.kind.what == "duration"],
        }
        return answers.data(told)

    async def sources(self, _: Call) -> web.Response:
        """Answer with what is configured, and when each last sent an event."""
        seen = await self._desk.store.minutes.last_seen()
        sources = self._desk.config().sources
        items = [{**_told_source(source), "last_event_at": iso(seen.get(name))} for name, source in sources.items()]
        return answers.data({"items": items, "next": None})

    async def configuration(self, _: Call) -> web.Response:
        """Answer with every setting, each secret as ***."""
        return answers.data(shown_config(self._desk.config()))


def _told(figure: Figure, name: str, result: str) -> dict[str, object]:
    return {"at": iso(figure.at), name: figure.kind.name, result: figure.kind.result, "count": figure.count}


def _told_duration(figure: Figure) -> dict[str, object]:
    """Tell how many attempts took so long. up_to_s: None for all of them, which alone tell their sum."""
    is_sum = figure.kind.result == ALL_DURATIONS
    is_last = figure.kind.result == "+Inf"
    return {
        "at": iso(figure.at),
        "target": figure.kind.name,
        "bound": "all" if is_sum else "longer" if is_last else "up_to",
        "up_to_s": None if is_sum or is_last else float(figure.kind.result),
        "count": figure.count,
        "seconds": round(figure.seconds, 6) if is_sum else None,
    }


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
