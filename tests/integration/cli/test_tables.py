"""How the commands write what stands in their columns."""

from datetime import timedelta

import pytest

from relay.cli.tables import lasting


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61.5, "1m1s"),
        (3600, "1h"),
        (3605, "1h"),
        (7265, "2h1m"),
        (86400 * 3 + 3600 * 4 + 59, "3d4h"),
        (86400 * 400, "400d"),
    ],
)
def test_a_duration_is_as_short_as_a_person_needs_it(seconds: float, expected: str) -> None:
    """Two units that follow each other, in the form of the configuration."""
    assert expected == lasting(timedelta(seconds=seconds))
