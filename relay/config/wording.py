"""What pydantic found wrong, as faults in a person's words. A value that may be secret is never repeated."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from relay.config.misfits import Expected, Misfit, listing, nearest
from relay.config.models.base import Part
from relay.config.origin import Absent, KeyPath, Origin
from relay.errors import Fault

FOUND_CHARACTERS_MAX = 60

# Where secrets stand, and URLs, which may hold some.
SECRET_KEYS = frozenset(
    {
        "access_key",
        "secret_key",
        "secret",
        "secrets",
        "token",
        "tokens",
        "verify_token",
        "user",
        "password",
        "value",
        "with",
    }
)
_SECRET_KEYS = SECRET_KEYS | {"headers", "url", "public_url"}
_SECRET_KEYS_OF_AUTH = {"query", "form", "body", "basic", "client_id", "client_secret", "token_url"}
_NAME_MARK = "[key]"  # pydantic's last step where a key of a mapping is wrong
_WORDS = {
    "model_type": "a mapping: `key: value`, one on a line",
    "dict_type": "a mapping: `key: value`, one on a line",
    "tuple_type": "a list: `- item`, one on a line",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Tells faults of one file.

    data: as it was validated. parts: what its mappings were read as, by `id`. filled: what came from outside.
    """

    data: object
    origin: Origin
    parts: Mapping[int, type[Part]]
    filled: Collection[KeyPath]

    def faults(self, error: ValidationError) -> Iterable[Fault]:
        """Yield a fault for each thing wrong, but for values that have none because of a fault told before."""
        for details in error.errors(include_url=False):
            if details["input"] is not Absent.VALUE:
                yield self._fault(details)

    def _fault(self, details: ErrorDetails) -> Fault:
        path = self._path(details["loc"])
        if details["type"] == "missing" and path[-1] != details["loc"][-1]:
            path = (*path, details["loc"][-1])
        message = self._message(details, path)
        is_of_key = details["type"] == "extra_forbidden" or details["loc"][-1] == _NAME_MARK
        return self.origin.at_key(path, message) if is_of_key else self.origin.at_value(path, message)

    def _path(self, steps: Iterable[str | int]) -> KeyPath:
        """Return where in the file an error stands: without steps that only pydantic takes."""
        path: list[str | int] = []
        here: object = self.data
        for step in steps:
            match here:
                case dict() if isinstance(step, str) and step != _NAME_MARK:
                    path.append(step)
                    here = here.get(step, Absent.VALUE)
                case list() if isinstance(step, int):
                    path.append(step)
                    here = here[step]
                case Absent.VALUE if isinstance(step, str):  # in what goes without saying
                    path.append(step)
        return tuple(path)

    def _message(self, details: ErrorDetails, path: KeyPath) -> str:
        found = details["input"]
        match details["type"]:
            case "extra_forbidden":
                return self._unknown_key(path)
            case "missing":
                return self._missing(found, path)
            case "literal_error":
                names = re.findall(r"'([^']*)'", details["ctx"]["expected"])
                return self._told(Expected(listing(names), nearest(found, names)), found, path)
            case "value_error" if isinstance(misfit := details["ctx"]["error"], Misfit):
                return self._told(misfit, found, path)
            case kind:
                return self._told(Expected(_WORDS.get(kind, "another value")), found, path)

    def _unknown_key(self, path: KeyPath) -> str:
        known = self._part_at(path[:-1]).written_keys()
        near = nearest(path[-1], known)
        return f"unknown key; {f'did you mean `{near}`?' if near else f'expected {listing(known)}'}"

    def _missing(self, part: object, path: KeyPath) -> str:
        fields = self.parts[id(part)].model_fields
        example = next(field for name, field in fields.items() if path[-1] in (name, field.alias)).examples
        return f"missing; expected a value such as {example[0]}" if example else "missing"

    def _part_at(self, path: KeyPath) -> type[Part]:
        here: Any = self.data
        for step in path:
            here = here[step]
        return self.parts[id(here)]

    def _told(self, misfit: Misfit, found: object, path: KeyPath) -> str:
        """Add what was found to what was expected, where it may be shown."""
        is_secret = path in self.filled or _is_secret(path)
        if not isinstance(misfit, Expected):
            return misfit.concealed if is_secret else misfit.message
        shown = _shown(found, is_secret=is_secret)
        found_words = f", found {shown}" if shown else ""
        return f"{misfit.message}{found_words}{f'; did you mean `{misfit.near}`?' if misfit.near else ''}"


def _is_secret(path: KeyPath) -> bool:
    return bool(_SECRET_KEYS & set(path)) or ("auth" in path and bool(_SECRET_KEYS_OF_AUTH & set(path)))


def _shown(found: object, *, is_secret: bool) -> str:
    """Return a value as a file would hold it, or its kind, or nothing."""
    if isinstance(found, dict | list):
        return "a mapping" if isinstance(found, dict) else "a list"
    if is_secret:
        return ""
    if isinstance(found, str) and len(found) > FOUND_CHARACTERS_MAX:
        found = f"{found[:FOUND_CHARACTERS_MAX]}…"
    readable = json.dumps(found, ensure_ascii=False)
    return readable if readable.isprintable() else json.dumps(found)
