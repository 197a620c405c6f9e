"""What the API tells, in the words of a page."""

from datetime import timedelta

import pytest

from relay.web.dashboard.wording import key_in_words, reason_in_words, share_done
from tests.conftest import START


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("evt_1", "evt_1"),
        ('json:["booking",42]', "booking · 42"),
        ('type:invoice\njson:["sliced","R5","INV-3337",1735689600000]', "sliced · R5 · INV-3337 · 1735689600000"),
        ('json:["rental.booked",{"rental_id":297},null]', "rental_id 297 · null"),
        ('json:{"deep":{"er":1}}', '{"deep":{"er":1}}'),
        ('json:["rental.booked"]', "rental.booked"),
        (f"body:{'ab' * 32}", "body abababababab…"),
        (f"sha256:{'ab' * 32}", "sha256 abababababab…"),
        ("json:no", "json:no"),
        ("type:alone", "type:alone"),
        ("", ""),
    ],
)
def test_a_key_is_told_by_what_it_is_made_of(key: str, words: str) -> None:
    """The type stands beside it; what is no key of ours is left as it is."""
    assert words == key_in_words(key, "rental.booked")


def test_a_reason_is_told_in_words() -> None:
    """Its details are left as they are."""
    assert "timed out: no_answer" == reason_in_words("timed_out: no_answer")
    assert "rejected" == reason_in_words("rejected")


def told(**other: object) -> dict[str, object]:
    until, reached = (START + timedelta(hours=hours) for hours in (4, 1))
    ordinary = {"state": "running", "searched": 30, "filter": {"until": until.isoformat()}}
    return {**ordinary, "reached_at": reached.isoformat(), **other}


def test_a_replay_is_as_far_as_what_it_looked_at() -> None:
    """Where so much is ahead that it is not counted, time tells; it never ends before it does."""
    assert 0.75 == share_done(told(), 10, None)
    assert 0.25 == share_done(told(), None, START)
    assert 0.0 == share_done(told(reached_at=None), None, START)
    assert 0.0 == share_done(told(searched=0), 0, None)
    assert 0.0 == share_done(told(), None, None)
    assert 1.0 == share_done(told(state="done"), None, None)
