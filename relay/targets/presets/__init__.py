"""What we know of systems that receive: one file a system, all of it data, found by its name.

`settings` have the shape of a target in the configuration file, which is what a reader would have written by hand.
In their texts `<name>` stands for what the file gives in `with`, `<url>` for the target's own URL, `<origin>` for its
scheme and host. Whatever the file says itself stands in place of the preset's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from relay import registry

_MARK = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that the file must give in `with`, or may. default: what stands for it where it does not."""

    what: str
    default: str | None = None
    is_optional: bool = False

    @property
    def is_needed(self) -> bool:
        """Tell whether there is nothing without it."""
        return self.default is None and not self.is_optional


@dataclass(frozen=True, slots=True)
class TargetPreset:
    """One system: where it is called, how we prove ourselves, and how patient to be."""

    name: str
    title: str
    page: str  # the system's own page, or where its behaviour was seen
    settings: Mapping[str, object]
    needs: Mapping[str, Need] = field(default_factory=dict)
    example: str = ""  # a target in the file, on one line
    notes: tuple[str, ...] = ()  # what a reader should know

    def completed(self, data: Mapping[str, object], missing: object) -> dict[str, object]:
        """Return a target's settings with the preset's, filled in. `retry` and `headers` are joined key by key.

        missing: stands where a text cannot be filled in, which is a fault of its own.
        """
        url = data.get("url", self.settings.get("url"))
        given = data.get("with")
        known = {**self._defaults(), **(given if isinstance(given, dict) else {})}
        if isinstance(url, str):
            # A login of the same system is called where the target is, unless the file says otherwise.
            known |= {"url": url.rstrip("/"), "origin": "{0.scheme}://{0.netloc}".format(urlsplit(url))}
        filled = {key: _filled(value, known, missing, key == "body") for key, value in self.settings.items()}
        joined = {key: _joined(filled[key], data[key]) for key in filled.keys() & data.keys()}
        return {**filled, **data, **joined}

    def _defaults(self) -> dict[str, object]:
        return {name: need.default for name, need in self.needs.items() if need.default is not None or need.is_optional}


def names() -> tuple[str, ...]:
    """List every preset."""
    return registry.names_in(__name__)


def find(name: str) -> TargetPreset:
    """Return the preset of that name. Errors: KeyError."""
    preset: TargetPreset = registry.load(__name__, name, "PRESET")
    return preset


def _joined(preset: object, own: object) -> object:
    """Return the file's own settings, with the preset's beside them where they are no way to prove ourselves."""
    if isinstance(preset, dict) and isinstance(own, dict) and "scheme" not in preset:
        return {**preset, **own}
    return own


def _filled(value: object, known: Mapping[str, object], missing: object, is_expression: bool) -> object:
    match value:
        case str():
            return _text(value, known, missing, is_expression)
        case dict():
            filled = {key: _filled(item, known, missing, is_expression) for key, item in value.items()}
            return {key: item for key, item in filled.items() if item is not None}
        case list():
            return [_filled(item, known, missing, is_expression) for item in value]
        case _:
            return value


def _text(text: str, known: Mapping[str, object], missing: object, is_expression: bool) -> object:
    """Fill in a text; None where it is nothing but an optional part that is not given."""
    names = _MARK.findall(text)
    if any(name in known and known[name] is None for name in names):
        return None
    if not all(isinstance(known.get(name), str) for name in names):
        return missing
    return _MARK.sub(lambda match: _quoted(str(known[match[1]]), is_expression), text)


def _quoted(text: str, is_expression: bool) -> str:
    """Write a value so that it stays within an expression's quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'") if is_expression else text
