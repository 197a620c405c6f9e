"""What a file says, value by value, as it may be shown."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from yarl import URL

from relay.config.leaves import Leaf, Written
from relay.config.models.base import Part
from relay.config.models.file import File
from relay.config.models.targets.urls import ServiceUrl
from relay.config.origin import KeyPath
from relay.config.units import told_duration, told_rate
from relay.config.wording import SECRET_KEYS
from relay.domain import Rate, Secret
from relay.expressions import BodyTerm


@dataclass(frozen=True, slots=True)
class Page:
    """A file that was read: its data as it was written, and which of it came from outside."""

    data: Mapping[str, object] = field(repr=False)
    filled: Collection[KeyPath]

    def written(self, file: File, route_names: list[str]) -> Written:
        """Return every value that stands in a file, or comes with its presets; a route by its name."""
        sections = {name: self._of(getattr(file, name), (name,)) for name in File.model_fields if name != "routes"}
        routes = {
            name: self._of_part(route, ("routes", index))
            for index, (name, route) in enumerate(zip(route_names, file.routes, strict=True))
        }
        return {**{name: section for name, section in sections.items() if isinstance(section, dict)}, "routes": routes}

    def _of(self, value: object, path: KeyPath) -> Leaf | Written:
        match value:
            case Part():
                return self._of_part(value, path)
            case dict():
                return {key: self._of(item, (*path, key)) for key, item in value.items()}
            case tuple() if any(isinstance(item, Part) for item in value):
                return {str(index): self._of(item, (*path, index)) for index, item in enumerate(value)}
            case _:
                return Leaf(value, None if self._is_concealed(path) else self._readable(value, path))

    def _of_part(self, part: Part, path: KeyPath) -> Written:
        keys = {name: field.alias or name for name, field in type(part).model_fields.items()}
        found = {
            key: self._of(getattr(part, name), (*path, key))
            for name, key in keys.items()
            if name in part.model_fields_set
        }
        if getattr(part, "hide_path", False) and isinstance(url := found.get("url"), Leaf):
            found["url"] = Leaf(url.value, None)
        return found

    def _is_concealed(self, path: KeyPath) -> bool:
        if SECRET_KEYS & set(path[2:]) or ("auth" in path and path[-1] != "scheme"):
            return True
        is_below = any(path[:length] in self.filled for length in range(1, len(path) + 1))
        return is_below or any(place[: len(path)] == path for place in self.filled)

    def _readable(self, value: object, path: KeyPath) -> object:
        """Return a value as the file has it where it can be shown, and None where it cannot."""
        if isinstance(value, int | timedelta | Rate) and isinstance(raw := self._raw(path), int | str):
            return raw
        return readable(value)

    def _raw(self, path: KeyPath) -> object:
        here: object = self.data
        for step in path:
            here = here.get(step) if isinstance(here, dict) and isinstance(step, str) else None
        return here


def readable(value: object) -> object:
    """Return a value as a person would write it; None where it may be secret."""
    if value is None or isinstance(value, Secret):
        return None
    if isinstance(value, tuple | list | frozenset):
        items = [readable(item) for item in value]
        return None if None in items else items
    for kind, tell in _TOLD.items():
        if isinstance(value, kind):
            return tell(value)
    text = getattr(value, "text", None)  # an expression, or a template
    return text if isinstance(text, str) else str(value)


_TOLD: Mapping[type, Callable[[Any], object]] = {
    int: lambda number: number,
    float: lambda number: number,
    str: lambda text: text,
    timedelta: told_duration,
    Rate: told_rate,
    URL: lambda url: str(url.with_user(None).with_query(None)),
    ServiceUrl: lambda url: url.shown,
    BodyTerm: lambda term: term.expression.text,
}
