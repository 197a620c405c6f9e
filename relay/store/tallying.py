"""What a commit does to each lane's numbers."""

from collections.abc import Iterable
from typing import NamedTuple


class Change(NamedTuple):
    """What one delivery does to its lane's numbers."""

    target: str
    unfinished: int
    dead: int


def summed(changes: Iterable[Change]) -> dict[str, tuple[int, int]]:
    """Return, by target, what all of them do to its numbers of unfinished and of dead ones."""
    sums: dict[str, tuple[int, int]] = {}
    for target, unfinished, dead in changes:
        unfinished_so_far, dead_so_far = sums.get(target, (0, 0))
        sums[target] = (unfinished_so_far + unfinished, dead_so_far + dead)
    return sums
