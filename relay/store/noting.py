"""What is known of a target's health, changed only by who knows it as it stands: alike in every store."""

from collections.abc import Awaitable, Callable

from relay.breaker import Breaker
from relay.store.texts import breaker_from_json, breaker_to_json


async def noted(before: Breaker, change: Callable[[str], Awaitable[str | None]]) -> bool:
    """Change a breaker if it stands as `before`, whichever version wrote it. Tells whether it did.

    change: changes it where exactly this text stands, and returns None; or what stands instead.
    """
    text = breaker_to_json(before)
    while (stands := await change(text)) is not None:
        if breaker_from_json(stands) != before:
            return False
        text = stands  # the same, in another version's words
    return True
