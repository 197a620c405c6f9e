"""Where things stand in a file: what turns `targets.erp.url` into a line and a column."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from relay.errors import Fault

KeyPath = tuple[str | int, ...]  # ("routes", 0, "to")
Position = tuple[int, int]  # line and column, from 1
START: Position = (1, 1)


class Absent(Enum):
    """Stands where a value could not be had. Its own fault is told already, and fits no check that follows."""

    VALUE = "absent"


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, and the positions of its keys and values."""

    file: str
    keys: Mapping[KeyPath, Position]
    values: Mapping[KeyPath, Position]

    def at_key(self, path: KeyPath, message: str) -> Fault:
        """Make a fault that stands at a key, or at a list's item; at what is around it where it is not in the file."""
        return Fault(self.file, *self._around(path), dotted(path), message)

    def at_value(self, path: KeyPath, message: str) -> Fault:
        """Make a fault that stands at a value; at what is around it where it is not in the file."""
        return Fault(self.file, *(self.values.get(path) or self._around(path)), dotted(path), message)

    def _around(self, path: KeyPath) -> Position:
        if not path:
            return START
        found = self.values.get(path) if isinstance(path[-1], int) else self.keys.get(path)
        return found or self._around(path[:-1])


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: `routes[0].to`, on one line whatever a key holds."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    return text if text.isprintable() else json.dumps(text)
