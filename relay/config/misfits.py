"""What is wrong with a value, said by whoever checks it; `wording` adds where it stands and what was found."""

import json
from collections.abc import Iterable
from difflib import get_close_matches

LISTED_MAX = 12


class Misfit(ValueError):
    """Something that does not fit, in words for a person.

    concealed: the words for where the value may be secret, if `message` repeats it.
    """

    def __init__(self, message: str, *, concealed: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.concealed = concealed or message


class Expected(Misfit):
    """A value of another kind than the one found. `near`: what was probably meant."""

    def __init__(self, what: str, near: str | None = None) -> None:
        super().__init__(f"expected {what}")
        self.near = near


def not_among(names: Iterable[str], found: object, what: str = "") -> Expected:
    """Say that `found` is none of `names`."""
    known = list(names)
    listed = listing(known) if known else "none is configured"
    return Expected(f"{what}: {listed}" if what else listed, nearest(found, known))


def nearest(found: object, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant, or None."""
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(found.lower(), by_lower, n=1) if isinstance(found, str) else ()
    return by_lower[near[0]] if near else None


def listing(names: Iterable[str], word: str = "or") -> str:
    """Return `a, b or c`, cut where it gets long, on one line whatever the names hold."""
    known = [name if name.isprintable() else json.dumps(name) for name in names]
    if len(known) > LISTED_MAX:
        return f"{', '.join(known[:LISTED_MAX])} …"
    *others, last = known
    return f"{', '.join(others)} {word} {last}" if others else last
