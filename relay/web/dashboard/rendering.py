"""Pages made of templates: everything is escaped, and nothing runs that does not come from here."""

import hashlib
import mimetypes
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from relay.config.units import told_duration
from relay.web import answers
from relay.web.dashboard.legible import legible
from relay.web.dashboard.wording import MARKS, key_in_words, reason_in_words

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
GUARDED = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # not less: a form without it comes from the origin `null`
    "Server": answers.SERVER,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


class Renderer:
    """Makes answers of templates, and hands out the files that pages refer to."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_bytes() for path in (HERE / "static").iterdir()}
        digest = hashlib.sha256(b"".join(self._files[name] for name in sorted(self._files)))
        self._version = digest.hexdigest()[:12]  # in the address of each file, so that it may be kept for ever
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalized,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(time=_time, size=_size, number=_number, span=_span, lasting=_lasting)
        self._templates.filters.update(coded=_coded, key=key_in_words, why=reason_in_words, mark=MARKS.__getitem__)
        self._templates.globals.update(file=lambda name: f"/static/{name}?{self._version}")

    def page(self, template: str, shown: Mapping[str, Any], status: int = 200) -> web.Response:
        """Answer with a page."""
        text = self._templates.get_template(template).render(shown)
        headers = {**GUARDED, "Cache-Control": "no-store"}
        return web.Response(status=status, text=text, content_type="text/html", charset="utf-8", headers=headers)

    async def file(self, http: web.Request) -> web.Response:
        """Answer with a file of a page. It tells nothing of what is kept, so anybody may have it."""
        name = http.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        kept = "public, max-age=31536000, immutable" if http.query_string == self._version else "no-cache"
        kind = mimetypes.guess_type(name)[0] or "text/plain"
        headers = {**GUARDED, "Cache-Control": kept, "Content-Type": f"{kind}; charset=utf-8"}
        return web.Response(body=self._files[name], headers=headers)


def _finalized(value: object) -> object:
    """Make every text legible that a template prints, but for our own markup."""
    return legible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _coded(text: str) -> Markup:
    """Show what stands between backticks as code."""
    parts = [escape(legible(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:  # one of them has no partner
        return escape(legible(text))
    marked = (Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts))
    return Markup("").join(marked)


def _time(told: str | None) -> Markup:
    """Show a time in UTC; where JavaScript runs, it is told in the viewer's zone, and in UTC on hover."""
    if told is None:
        return Markup('<span class="muted">–</span>')
    time = datetime.fromisoformat(told).astimezone(UTC)
    words = f"{time:%d %b %Y %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(told, words, words)


def _size(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def _number(count: float) -> str:
    return f"{count:,.0f}"


def _lasting(seconds: float) -> str:
    """Return a length of time as the configuration has it: `1h30m`."""
    return told_duration(timedelta(seconds=seconds))


def _span(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    for length, unit in STEPS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    if seconds >= 1:
        return f"{seconds:.0f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "under 1 ms"
