"""Where a page of a list ended, wrapped up: who asks for the next one hands it back as it is."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LIMIT_MAX = 500  # of what a page holds


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the page before ended: its `next`, as it was given."""

    pattern: str
    name: str = "cursor"
    text: str = "The `next` of the page before."

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return its form."""
        return {"type": "string"}

    def read(self, given: str) -> str:
        """Return what was wrapped up."""
        try:
            place = urlsafe_b64decode(given.encode("ascii")).decode("ascii")
        except (UnicodeError, binascii.Error):
            place = ""
        if not re.fullmatch(self.pattern, place):
            raise ValueError("expected the `next` of a page of this list, as it is")
        return place


def cursor(place: object | None) -> str | None:
    """Wrap up where a page ended."""
    return None if place is None else urlsafe_b64encode(str(place).encode()).decode()


EVENT_CURSOR = Cursor("evt_[0-9a-f]{12,64}")
NUMBER_CURSOR = Cursor("[0-9]{1,18}")
