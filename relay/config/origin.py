"""Where things stand in a file: what turns `targets.erp.url` into a line and a column."""

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
        """Make a fault that stands at a key; at the nearest key above where it is not in the file."""
        return self._fault(self.keys, path, message)

    def at_value(self, path: KeyPath, message: str) -> Fault:
        """Make a fault that stands at a value; at the nearest key above where it is not in the file."""
        return self._fault(self.values if path in self.values else self.keys, path, message)

    def _fault(self, positions: Mapping[KeyPath, Position], path: KeyPath, message: str) -> Fault:
        above = (path[:length] for length in range(len(path), 0, -1))
        line, column = next((positions[known] for known in above if known in positions), START)
        return Fault(self.file, line, column, dotted(path), message)


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: `routes[0].to`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
