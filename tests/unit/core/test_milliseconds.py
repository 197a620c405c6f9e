"""One rule makes milliseconds of every time: what is compared with each other is cut alike."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from relay.clock import to_ms
from relay.domain import new_event_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNTIL = datetime(2255, 1, 1, tzinfo=UTC)
times = st.timedeltas(timedelta(0), UNTIL - EPOCH).map(EPOCH.__add__)


@given(times)
def test_a_part_of_a_millisecond_is_dropped(time: datetime) -> None:
    """Exactly, though a time in seconds is a float, and most milliseconds are no float."""
    assert (time - EPOCH) // timedelta(milliseconds=1) == to_ms(time)


@given(times)
def test_an_id_begins_with_the_millisecond_that_the_store_keeps(time: datetime) -> None:
    """Events are searched for, moved and purged by ids that are made of times: none may be one too early."""
    assert to_ms(time) == int(new_event_id(time, bytes(10))[4:16], 16)
