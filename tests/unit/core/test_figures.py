"""What charts show: the API's minutes, added up."""

from datetime import datetime, timedelta
from typing import Any

from relay.web.dashboard.figures import figures, rates
from tests.conftest import START


def at(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def stats(**told: Any) -> dict[str, Any]:
    return {"since": at(0), "until": at(3), "step_s": 60, "events": [], "deliveries": [], "durations": [], **told}


def test_every_minute_has_its_place_also_where_nothing_happened() -> None:
    """A gap is a zero, and no line across it."""
    rows = [
        {"at": at(0), "source": "shop", "result": "accepted", "count": 2},
        {"at": at(2), "source": "shop", "result": "accepted", "count": 3},
        {"at": at(2), "source": "bank", "result": "accepted", "count": 4},
        {"at": at(2), "source": "bank", "result": "mismatch", "count": 5},
        {"at": at(2), "source": "bank", "result": "duplicate", "count": 9},
    ]
    found = figures(stats(events=rows))

    assert [int(datetime.fromisoformat(at(minute)).timestamp()) for minute in range(3)] == found.at
    assert ([2, 0, 7], [0, 0, 5]) == (found.events.values, found.refused.values)
    assert (9, 7) == (found.events.total, found.events.latest)
    assert {"shop": 5, "bank": 4} == rates(stats(events=rows))


def test_a_long_time_is_told_in_larger_steps() -> None:
    """A day is drawn by quarters of an hour, and says so."""
    rows = [{"at": at(15), "source": "shop", "result": "accepted", "count": 2}]
    found = figures({**stats(events=rows), "until": at(30), "step_s": 900})

    assert ([0, 2], 30, "in 15 minutes") == (found.events.values, found.minutes, found.pace)
    assert "a minute" == figures(stats()).pace


def test_success_is_the_share_of_attempts_that_were_taken() -> None:
    """Without an attempt there is none, which is not the same as no success."""
    rows = [
        {"at": at(1), "target": "erp", "outcome": "accepted", "count": 3},
        {"at": at(1), "target": "erp", "outcome": "busy", "count": 1},
    ]

    assert 0.75 == figures(stats(deliveries=rows)).success
    assert figures(stats()).success is None


def test_most_attempts_took_no_longer_than_what_is_told() -> None:
    """19 of 20 within 50 ms, one over all bounds; the mean of a minute without any is none."""
    rows = [
        {"at": at(0), "target": "erp", "bound": "up_to", "up_to_s": 0.05, "count": 19, "seconds": None},
        {"at": at(0), "target": "erp", "bound": "longer", "up_to_s": None, "count": 1, "seconds": None},
        {"at": at(0), "target": "erp", "bound": "all", "up_to_s": None, "count": 20, "seconds": 2.0},
    ]
    found = figures(stats(durations=rows))

    assert 0.05 == found.usual_s
    assert [100.0, None, None] == found.took_ms.values
    assert 100.0 == found.took_ms.latest
    assert figures(stats(durations=rows[1:])).usual_s is None
    assert figures(stats()).usual_s is None
