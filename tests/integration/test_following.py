"""What is new since the last look, on each engine: nothing twice, nothing left out."""

from dataclasses import replace
from datetime import timedelta

from relay.domain import Event, Refusal
from relay.finding import find_refused
from relay.following import Following
from relay.store.ports.rejections import Bounds, Rejection
from relay.store.ports.search import EventFilter, EventRow
from relay.store.protocol import Store
from tests.builders import a_plan, an_event
from tests.conftest import START

SECOND = timedelta(seconds=1)
A_WEEK = Bounds(START - timedelta(days=7), 100, 10**6)


async def stored(store: Store, event: Event) -> str:
    await store.accept(event, a_plan(), {})
    return event.id


async def looked(following: Following) -> list[str | int]:
    return [row.id if isinstance(row, EventRow) else row.number for row in await following.look()]


def refused(body: bytes = b"{}", source: str = "shop") -> Rejection:
    head = ("POST", "http://relay", f"/in/{source}", "", (), "203.0.113.9", None)
    return Rejection(0, source, Refusal.MISMATCH, START, *head, body)


async def test_each_event_is_told_once(store: Store) -> None:
    """From the time that was asked for on."""
    following = Following(store, EventFilter(), START)
    await stored(store, an_event(at=START - SECOND))
    first, second = [await stored(store, an_event(at=START + number * SECOND)) for number in range(2)]
    told = [await looked(following)]
    third = await stored(store, an_event(at=START + 2 * SECOND))
    told += [await looked(following), await looked(following)]

    assert [[first, second], [third], []] == told


async def test_what_is_committed_after_a_later_one_is_told(store: Store) -> None:
    """Ids are given before the commit, and other replicas have clocks of their own."""
    following = Following(store, EventFilter(), START)
    later = await stored(store, an_event(at=START + 60 * SECOND))
    told = [await looked(following)]
    late = await stored(store, an_event(at=START + 55 * SECOND))
    told += [await looked(following), await looked(following)]

    assert [[later], [late], []] == told


async def test_refused_requests_are_told_once_and_by_source(store: Store) -> None:
    """They are numbered as they are kept; what asks for more than a source asks for events."""
    following = Following(store, EventFilter(source="shop"), START)
    of_events = Following(store, EventFilter(source="shop", type="order.paid"), START)
    await store.rejections.keep([refused(), refused(source="other")], A_WEEK)
    told = [await looked(following)]
    await store.rejections.keep([refused()], A_WEEK)
    told += [await looked(following), await looked(following), await looked(of_events)]

    assert [[1], [3], [], []] == told


async def test_refused_requests_are_searched_within_bounds(store: Store) -> None:
    """Bodies may be large: so many bytes are read, newest first, and it is said whether that was all."""
    sought = [refused(b"an invoice, INV-3337"), refused(b"x" * 1000), refused(b"INV-3337 again"), refused(b"")]
    await store.rejections.keep(sought, A_WEEK)

    whole = await find_refused(store, "INV-3337", 10)
    some = await find_refused(store, "INV-3337", 10, bytes_max=500)

    assert ([3, 1], 4, True) == ([row.number for row in whole.rows], whole.searched, whole.is_all)
    assert ([3], 2, False) == ([row.number for row in some.rows], some.searched, some.is_all)


async def test_a_request_refused_without_its_body_is_told(store: Store) -> None:
    """It was too much trouble to read; that it came is news all the same."""
    await store.rejections.keep([replace(refused(b""), is_whole=False)], A_WEEK)

    assert [1] == await looked(Following(store, EventFilter(), START))
