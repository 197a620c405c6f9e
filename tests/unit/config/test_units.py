"""Durations, sizes and rates."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.misfits import Expected
from relay.config.units import lasting, parse_duration, parse_rate, parse_size
from relay.domain import Rate


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("5s", timedelta(seconds=5)),
        ("10m", timedelta(minutes=10)),
        ("6h", timedelta(hours=6)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_read(written: str, expected: timedelta) -> None:
    """Durations are written as people say them."""
    assert expected == parse_duration(written)


@pytest.mark.parametrize("written", ["", "5", "5 s", "-5s", "1.5h", "5S", "s", "٥s", 5, 5.0, True, None, ["5s"]])
def test_what_is_no_duration_is_refused(written: object) -> None:
    """A number without a unit could mean anything; so could a word."""
    with pytest.raises(Expected, match=r"^expected a duration such as 250ms, 5s, 10m, 6h, 3d or 1h30m$"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["36501d", "9" * 5000 + "w"])
def test_a_duration_beyond_a_century_is_refused(written: str) -> None:
    """It would overflow every date that it is added to."""
    with pytest.raises(Expected, match=r"^expected at most 36500d$"):
        parse_duration(written)


def test_a_bare_number_of_seconds_is_recognised() -> None:
    """Whoever writes 15 most likely means seconds."""
    with pytest.raises(Expected) as raised:
        parse_duration(15)

    assert raised.value.near == "15s"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("512KiB", 512 * 1024),
        ("25MiB", 25 * 1024**2),
        ("1GiB", 1024**3),
        ("1KB", 1000),
        ("2MB", 2_000_000),
        ("1 GB", 10**9),
        ("100B", 100),
        ("100", 100),
        (100, 100),
    ],
)
def test_a_size_is_read(written: object, expected: int) -> None:
    """Sizes count in thousands or in 1024s, as their unit says."""
    assert expected == parse_size(written)


@pytest.mark.parametrize("written", ["", "MiB", "1.5MiB", "-1B", "1mib", "1TiB", -1, 1.0, True, None, "9" * 5000])
def test_what_is_no_size_is_refused(written: object) -> None:
    """A unit that is nearly right is wrong by a thousand."""
    with pytest.raises(Expected, match=r"^expected a size such as 512KiB, 25MiB or 1GiB$"):
        parse_size(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("100/1m", Rate(100, 60)), ("5/s", Rate(5, 1)), ("200/1s", Rate(200, 1)), ("1/500ms", Rate(1, 0.5))],
)
def test_a_rate_is_read(written: str, expected: Rate) -> None:
    """A rate is a number of things in each period."""
    assert expected == parse_rate(written)


@pytest.mark.parametrize("written", ["", "5", "/s", "5/", "0/s", "5/0s", "-1/s", "5/1m30s", 5, None, "9" * 5000 + "/s"])
def test_what_is_no_rate_is_refused(written: object) -> None:
    """A rate of none in a time would stop a source for ever."""
    with pytest.raises(Expected, match=r"^expected a rate such as 100/1m or 5/s"):
        parse_rate(written)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()))
def test_nothing_whatever_breaks_a_unit(written: object) -> None:
    """What is read is read, and the rest is refused in words."""
    for parse in (parse_duration, parse_size, parse_rate):
        with suppress(Expected):
            parse(written)


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
