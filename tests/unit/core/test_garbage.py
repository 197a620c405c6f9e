"""How seldom garbage is looked for."""

import gc
from collections.abc import Iterator

import pytest

from relay.garbage import NEW_OBJECTS, look_seldom


@pytest.fixture
def looks() -> Iterator[list[str]]:
    """Have garbage looked for as a relay does; tell of each look."""
    seen: list[str] = []
    usual = gc.get_threshold()
    look_seldom()
    gc.callbacks.append(lambda phase, _: seen.append(phase))
    try:
        yield seen
    finally:
        gc.callbacks.pop()
        gc.set_threshold(*usual)
        gc.unfreeze()


def test_what_is_in_flight_is_not_looked_through(looks: list[str]) -> None:
    """Hundreds of requests at the same time have thousands of objects, and none of them is garbage."""
    in_flight = [[number] for number in range(NEW_OBJECTS // 2)]

    assert NEW_OBJECTS // 2 == len(in_flight)
    assert [] == looks


def test_what_refers_to_itself_is_still_found(looks: list[str]) -> None:
    """What a fault leaves behind does not stay for good."""
    for _ in range(2 * NEW_OBJECTS):
        itself: list[object] = []
        itself.append(itself)

    assert "start" in looks
