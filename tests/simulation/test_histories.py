"""A thousand histories, each with its own mixture of faults, and none of them breaks a promise."""

import pytest
import structlog

from tests.simulation.history import play

HISTORIES = 1000
AT_ONCE = 100


@pytest.mark.parametrize("first", range(0, HISTORIES, AT_ONCE))
def test_no_history_breaks_a_promise(first: int) -> None:
    """Whatever dies, stops, refuses or forgets in between: all that was acknowledged arrives, or is told of as dead."""
    with structlog.testing.capture_logs():  # they tell of faults by the thousand, all of them meant
        stories = [play(seed) for seed in range(first, first + AT_ONCE)]

    broken = {story.seed: story.broken for story in stories if story.broken}
    assert not broken, f"see what happened: python -m tests.simulation {min(broken)}"


def test_a_seed_always_plays_the_same_history() -> None:
    """Else a failing one could not be looked into."""
    with structlog.testing.capture_logs():
        assert play(7) == play(7)
