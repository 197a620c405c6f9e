"""What is taken of all that waits: shares of fresh and retried deliveries, and no more bytes than there is room for."""

from collections.abc import Iterable, Sequence
from typing import Any

RETRIES_SHARE = 4  # a quarter of what is claimed, where both wait

Due = tuple[Any, int, int]  # a delivery that is due: since when, its number, the size of its body


def shared(fresh: Sequence[Due], retries: Sequence[Due], limit: int) -> list[Due]:
    """Choose up to `limit`: those never tried first, with a share for retries; each kind comes the longest due first.

    Of fewer places than make a share, each goes to what has been due longest.
    """
    if limit < RETRIES_SHARE:
        return sorted([*fresh, *retries])[:limit]
    reserved = min(len(retries), max(limit // RETRIES_SHARE, limit - len(fresh)))
    return [*fresh[: limit - reserved], *retries[:reserved]]


def within(sized: Iterable[tuple[int, int]], bytes_max: int) -> list[int]:
    """Take numbers of (number, bytes) while their sum fits, and the first whatever its size."""
    taken: list[int] = []
    total = 0
    for number, size in sized:
        total += size
        if taken and total > bytes_max:
            break
        taken.append(number)
    return taken
