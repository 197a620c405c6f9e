"""What every store finds again: events and deliveries by filter, a page at a time, whatever the engine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import DeliveryStatus, Event
from relay.store.ports.search import (
    DeliveryFilter,
    EventFilter,
    EventPage,
    EventStatus,
    fold,
)
from relay.store.ports.text import TEXT_BYTES_MAX
from relay.store.protocol import Store
from tests.builders import a_lease, a_plan, again, an_event, dead, delivered
from tests.conftest import START

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def found(store: Store, wanted: EventFilter) -> list[str]:
    """Follow the pages to their end."""
    ids: list[str] = []
    page = EventPage((), 0, None)
    while True:
        page = await store.search.events(wanted, page.last, 2)
        ids += [event.id for event in page.events]
        if page.last is None:
            return ids


async def stored(store: Store, *targets: str, event: Event | None = None) -> str:
    event = event or an_event()
    await store.accept(event, a_plan(*targets) if targets else replace(a_plan(), deliveries=()), {})
    return event.id


async def died(store: Store, *targets: str, event: Event | None = None) -> str:
    event = event or an_event()
    leases = {index: a_lease() for index, _ in enumerate(targets)}
    receipt = await store.accept(event, a_plan(*targets), leases)
    for delivery in receipt.deliveries:
        await store.settle(dead(delivery))
    return event.id


class TestEvents:
    async def test_pages_follow_each_other_newest_first(self, store: Store) -> None:
        """A reader who turns pages sees every event once, also those that came at the same moment, on several days."""
        ids = [await stored(store, "erp", event=an_event(at=START + day * DAY)) for day in range(3) for _ in range(3)]

        assert sorted(ids, reverse=True) == await found(store, EventFilter())

    async def test_a_page_that_is_the_last_says_so(self, store: Store) -> None:
        """No `next` leads to an empty page where everything was looked at."""
        for _ in range(2):
            await stored(store, "erp")

        page = await store.search.events(EventFilter(), None, 2)

        assert (2, 2, None) == (len(page.events), page.searched, page.last)

    async def test_what_is_told_of_each_is_true(self, store: Store) -> None:
        """A list shows what the event's own page would."""
        event = an_event(body=b"12345")
        await store.accept(event, a_plan("erp", "chat"), {0: a_lease()})

        (row,) = (await store.search.events(EventFilter(), None, 10)).events

        assert (event.id, "shop", "order.paid", event.key, START, 5) == (
            row.id,
            row.source,
            row.type,
            row.key,
            row.received_at,
            row.body_bytes,
        )
        assert (("erp", DeliveryStatus.SENDING), ("chat", DeliveryStatus.PENDING)) == row.deliveries
        assert EventStatus.PENDING is row.status

    async def test_each_filter_alone_finds_its_own(self, store: Store) -> None:
        """Source, type, target and time: all of what is given must hold."""
        one = await stored(store, "erp", event=an_event(source="shop"))
        two = await stored(store, "chat", event=replace(an_event(source="bank", at=START + DAY), type="paid"))

        assert [one] == await found(store, EventFilter(source="shop"))
        assert [two] == await found(store, EventFilter(type="paid"))
        assert [two] == await found(store, EventFilter(target="chat"))
        assert [two] == await found(store, EventFilter(since=START + MINUTE))
        assert [one] == await found(store, EventFilter(until=START + MINUTE))
        assert [one] == await found(store, EventFilter(since=START, until=START + DAY))
        assert [] == await found(store, EventFilter(source="shop", type="paid"))

    async def test_an_events_status_is_that_of_its_worst_delivery(self, store: Store) -> None:
        """Whoever asks for what died gets every event that did not reach someone; each has one status only."""
        unrouted = await stored(store)
        pending = await stored(store, "erp")
        gone = await died(store, "erp")
        event = an_event()
        receipt = await store.accept(event, a_plan("erp", "chat"), {0: a_lease(), 1: a_lease()})
        for delivery in receipt.deliveries:
            await store.settle(delivered(delivery))
        half = an_event()
        receipt = await store.accept(half, a_plan("erp", "chat"), {0: a_lease()})
        await store.settle(dead(receipt.deliveries[0]))

        assert [half.id, gone] == await found(store, EventFilter(status=EventStatus.DEAD))
        assert [event.id] == await found(store, EventFilter(status=EventStatus.DELIVERED))
        assert [pending] == await found(store, EventFilter(status=EventStatus.PENDING))
        assert [unrouted] == await found(store, EventFilter(status=EventStatus.UNROUTED))
        assert [] == await found(store, EventFilter(status=EventStatus.CANCELLED))

    @pytest.mark.parametrize(
        ("text", "is_found"),
        [("INV-3337", True), ("NV-333", True), ("inv-3337", False), ("Müller", True), ("INV-4", False), ("%", False)],
    )
    async def test_text_is_found_within_a_body(self, store: Store, text: str, is_found: bool) -> None:
        """Did invoice INV-3337 arrive? In just these letters, and as JSON may write them."""
        body = b'{"invoice": {"id": "INV-3337"}, "name": "M\\u00fcller", "data": "' + b"A" * 1_000_000 + b'"}'
        event_id = await stored(store, "erp", event=an_event(body=body))
        await stored(store, "erp")

        assert ([event_id] if is_found else []) == await found(store, EventFilter(text=text))

    async def test_text_is_found_in_keys_and_ids(self, store: Store) -> None:
        """Whoever has a piece of an id, from a log or a vendor, has the event."""
        event_id = await stored(store, "erp", event=an_event(key="charge-77"))
        await stored(store, "erp")

        assert [event_id] == await found(store, EventFilter(text="charge-7"))
        assert [event_id] == await found(store, EventFilter(text=event_id[-20:]))

    async def test_bodies_can_be_left_out(self, store: Store) -> None:
        """Keys alone are looked at much faster, and mostly hold the number."""
        by_key = await stored(store, "erp", event=an_event(key="charge-77"))
        await stored(store, "erp", event=an_event(body=b"charge-77"))

        page = await store.search.events(EventFilter(text="charge-7"), None, 10, bodies=False)

        assert ([by_key], 2, None) == ([event.id for event in page.events], page.searched, page.last)

    @pytest.mark.parametrize("padding", [0, 300_000])
    async def test_text_far_behind_in_a_body_is_not_looked_for(self, store: Store, padding: int) -> None:
        """The search is bounded: what stands behind the first 64 KiB is a document."""
        within = await stored(store, "erp", event=an_event(body=b" " * (TEXT_BYTES_MAX - 4) + b"here" + b" " * padding))
        await stored(store, "erp", event=an_event(body=b" " * (TEXT_BYTES_MAX - 3) + b"here" + b" " * padding))

        assert [within] == await found(store, EventFilter(text="here"))

    async def test_ids_are_found_oldest_first_as_well(self, store: Store) -> None:
        """A replay goes out in the order in which events came."""
        ids = sorted([await stored(store, "erp", event=an_event(at=START + day * DAY)) for day in (0, 0, 1)])

        first = await store.search.event_ids(EventFilter(), None, 2, oldest_first=True)
        rest = await store.search.event_ids(EventFilter(), first.last, 2, oldest_first=True)

        assert (tuple(ids[:2]), tuple(ids[2:]), None) == (first.ids, rest.ids, rest.last)


def test_the_fold_prefers_the_worst() -> None:
    """One that was given up is what somebody must see."""
    status = DeliveryStatus
    assert EventStatus.DEAD is fold([status.DELIVERED, status.DEAD, status.PENDING])
    assert EventStatus.PENDING is fold([status.CANCELLED, status.SENDING])
    assert EventStatus.CANCELLED is fold([status.CANCELLED, status.DELIVERED])
    assert EventStatus.UNROUTED is fold([])


class TestDeliveries:
    async def numbers(self, store: Store, wanted: DeliveryFilter) -> list[tuple[str, str]]:
        told: list[tuple[str, str]] = []
        last: int | None = None
        while True:
            page = await store.search.deliveries(wanted, last, 1)
            told += [(row.event_id, row.target) for row in page.deliveries]
            if (last := page.last) is None:
                return told

    async def test_they_are_found_by_target_and_status(self, store: Store) -> None:
        """What waits for a target, and what died on the way to it, is a question of every night."""
        waiting = await stored(store, "erp", "chat")
        gone = await died(store, "erp", "chat")

        assert [(waiting, "erp")] == await self.numbers(
            store, DeliveryFilter(target="erp", status=DeliveryStatus.PENDING)
        )
        assert {(gone, "erp"), (gone, "chat")} == set(
            await self.numbers(store, DeliveryFilter(status=DeliveryStatus.DEAD))
        )
        assert {(gone, "chat"), (waiting, "chat")} == set(await self.numbers(store, DeliveryFilter(target="chat")))
        assert [] == await self.numbers(store, DeliveryFilter(status=DeliveryStatus.DELIVERED))
        assert 4 == len(await self.numbers(store, DeliveryFilter()))

    @pytest.mark.parametrize("status", [None, DeliveryStatus.DEAD])
    async def test_they_are_found_by_when_their_event_came(self, store: Store, status: DeliveryStatus | None) -> None:
        """With an index for their status, and without."""
        old = await died(store, "erp")
        new = await died(store, "erp", event=an_event(at=START + DAY))

        wanted = DeliveryFilter(status=status)
        assert [(new, "erp")] == await self.numbers(store, replace(wanted, since=START + MINUTE))
        assert [(old, "erp")] == await self.numbers(store, replace(wanted, until=START + DAY))
        assert [] == await self.numbers(store, replace(wanted, since=START + 2 * DAY))

    async def test_one_is_told_with_its_last_outcome(self, store: Store) -> None:
        """What happens next and when stands in the list already."""
        event = an_event()
        receipt = await store.accept(event, a_plan("erp"), {0: a_lease()})
        await store.settle(again(receipt.deliveries[0], START + MINUTE))

        row = await store.search.delivery(receipt.deliveries[0].id)

        assert row is not None
        assert (event.id, "erp", DeliveryStatus.PENDING, 1, START + MINUTE, None, "errored") == (
            row.event_id,
            row.target,
            row.status,
            row.attempts,
            row.due_at,
            row.finished_at,
            row.reason,
        )
        assert await store.search.delivery(row.id + 1) is None

    async def test_what_waits_for_its_turn_is_not_due(self, store: Store) -> None:
        """No time is told that would not be kept."""
        for _ in range(2):
            await store.accept(an_event(), a_plan("erp", order="one"), {})

        page = await store.search.deliveries(DeliveryFilter(), None, 10)

        assert [None, START] == [row.due_at for row in page.deliveries]
