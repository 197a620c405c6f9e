"""A search without an index: step by step along the rows, until a page is full or it has taken long enough."""

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from relay.store.ports.search import EventFilter

K = TypeVar("K")

SECONDS_MAX = 0.05  # then the page is given as it is; who wants more asks for the next one
STEP_ROWS_MAX = 2000  # a step takes a few milliseconds, and others are served between two
STEP_BODIES_MAX = 200  # where bodies are read
STEP_KEYS_MAX = 10_000  # where a text is looked for in ids and keys alone
GROWTH = 4  # the first steps are small: mostly the page is full at once


class Trail(NamedTuple, Generic[K]):
    """What was found. last: after which the walk goes on; None at the end of the rows."""

    found: tuple[K, ...]
    searched: int
    last: K | None


# Looks at the next rows after one: each by its key, and whether it fits.
Look = Callable[[K | None, int], Awaitable[Sequence[tuple[K, bool]]]]


async def walk(
    look: "Look[K]", after: K | None, limit: int, *, step_max: int = STEP_ROWS_MAX, seconds_max: float = SECONDS_MAX
) -> Trail[K]:
    """Collect up to `limit` rows that fit; at least one step is made, however long it takes."""
    found: list[K] = []
    searched, step, end_s = 0, min(limit + 1, step_max), monotonic() + seconds_max
    while True:
        stretch = await look(after, step)
        is_end = len(stretch) < step
        for index, (key, fits) in enumerate(stretch, 1):
            found += [key] if fits else []
            if len(found) == limit:
                return Trail(tuple(found), searched + index, None if is_end and index == len(stretch) else key)
        searched += len(stretch)
        if is_end:
            return Trail(tuple(found), searched, None)
        after = stretch[-1][0]
        if monotonic() >= end_s:
            return Trail(tuple(found), searched, after)
        step = min(step * GROWTH, step_max)


def step_max(wanted: EventFilter, *, bodies: bool) -> int:
    """Return how many events a step looks at. bodies: whether a text is looked for in them."""
    if not wanted.text:
        return STEP_ROWS_MAX
    return STEP_BODIES_MAX if bodies else STEP_KEYS_MAX
