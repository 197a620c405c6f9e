"""What we know of each vendor: one file a vendor, mostly data, found by its name.

`verify` has the shape of a source's `verify` in the configuration file, which is what a reader would have
written by hand; so has everything else here. Code stands in a preset only where its vendor is odd.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from relay import registry
from relay.domain import ANY_TYPE


@dataclass(frozen=True, slots=True)
class Sample:
    """A request as the vendor would make it, for `relay demo` and `relay send`.

    In any text of `body`, `{uuid}`, `{now}` (ISO 8601) and `{now_ms}` (alone: a number) are filled in at sending,
    so that each sending is an event of its own.
    """

    type: str
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def render(self, now: datetime, uuid: str) -> bytes:
        """Return the body as the vendor would send it, filled in: compact JSON, in the order written."""
        now_iso = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        now_ms = int(now.timestamp() * 1000)
        return orjson.dumps(_fill(self.body, {"{uuid}": uuid, "{now}": now_iso, "{now_ms}": now_ms}))


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


def names() -> tuple[str, ...]:
    """List every preset."""
    return registry.names_in(__name__)


def find(name: str) -> Preset:
    """Return the preset of that name. Errors: KeyError."""
    preset: Preset = registry.load(__name__, name, "PRESET")
    return preset


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
