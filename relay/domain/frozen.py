"""Values that are made for each event, and kept from change by the type checker alone.

A frozen dataclass sets each of its fields by `object.__setattr__`, and is made in four times the time of another one: a
twentieth of all that an event costs. mypy holds everybody to `frozen`, and nothing runs here that it has not seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Make a dataclass that compares and hashes as a frozen one does."""
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value"]
