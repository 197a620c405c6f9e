"""What we know of each vendor: one file a vendor, mostly data, found by its name.

`verify` has the shape of a source's `verify` in the configuration file, which is what a reader would have
written by hand; so has everything else here. Code stands in a preset only where its vendor is odd.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

import orjson

from relay import registry
from relay.domain import ANY_TYPE
from relay.handshakes import Handshake
from relay.identity import is_form


@dataclass(frozen=True, slots=True)
class Sample:
    """A request as the vendor would make it, for `relay demo` and `relay send`.

    In any text of `body`, `{uuid}`, `{now}` (ISO 8601) and `{now_ms}` (alone: a number) are filled in at sending,
    so that each sending is an event of its own. `headers` stand beside the signature, and are filled in alike. Where
    they say that the body is a form, it is sent as one.
    """

    type: str
    body: Mapping[str, object] | list[object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def render(self, now: datetime, uuid: str) -> bytes:
        """Return the body as the vendor would send it, filled in: compact JSON, or a form, in the order written."""
        filled = _fill(self.body, _fillings(now, uuid))
        if is_form(self.headers.get("Content-Type")) and isinstance(filled, dict):
            return urlencode(filled).encode()
        return orjson.dumps(filled)

    def rendered_headers(self, now: datetime, uuid: str) -> dict[str, str]:
        """Return the headers, filled in with the same values as the body."""
        return {name: str(_fill(value, _fillings(now, uuid))) for name, value in self.headers.items()}


@dataclass(frozen=True, slots=True)
class Preset:
    """One vendor: how it signs, how its events are named, what it sends."""

    name: str
    title: str
    page: str  # the vendor's own page, or where its behaviour was seen
    verify: tuple[Mapping[str, object], ...]  # schemes, all of which must agree
    samples: tuple[Sample, ...]
    type: str | None = None  # JMESPath over the body, or header:NAME
    keys: Mapping[str, str] = field(default_factory=dict)  # by type, or ANY_TYPE
    windows: Mapping[str, str] = field(default_factory=lambda: {ANY_TYPE: "7d"})  # by type, or ANY_TYPE; "forever"
    needs_json: bool = False
    max_body: str = "1MiB"
    respond_status: int = 200
    respond_body: Literal["json", "none"] = "json"
    batch: str | None = None  # JMESPath: the events that one request carries
    handshakes: tuple[Handshake, ...] = ()


def names() -> tuple[str, ...]:
    """List every preset."""
    return registry.names_in(__name__)


def find(name: str) -> Preset:
    """Return the preset of that name. Errors: KeyError."""
    preset: Preset = registry.load(__name__, name, "PRESET")
    return preset


def _fillings(now: datetime, uuid: str) -> Mapping[str, str | int]:
    now_iso = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"{uuid}": uuid, "{now}": now_iso, "{now_ms}": int(now.timestamp() * 1000)}


def _fill(value: object, fillings: Mapping[str, str | int]) -> object:
    match value:
        case str() if value in fillings:
            return fillings[value]
        case str():
            for mark, filling in fillings.items():
                value = value.replace(mark, str(filling))
            return value
        case list():
            return [_fill(item, fillings) for item in value]
        case dict():
            return {key: _fill(item, fillings) for key, item in value.items()}
        case _:
            return value
