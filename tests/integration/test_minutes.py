"""What charts are drawn from: written down every few seconds, from counts that are there anyway."""

from datetime import timedelta

import pytest

from relay.domain import DeliveryStatus, Refusal
from relay.errors import StoreUnavailable
from relay.minutes import MinuteBook, Span, last_minutes
from relay.store.ports.minutes import ALL_DURATIONS, Figure, Kind
from relay.store.protocol import Store
from relay.telemetry import Telemetry
from tests.builders import a_lease, a_plan, an_attempt, an_event
from tests.conftest import START, ManualClock
from tests.storage import OpenStore, Storage

HOUR = timedelta(hours=1)
ACCEPTED = Kind("event", "shop", "accepted")


async def figures(store: Store) -> list[Figure]:
    return list(await store.minutes.between(START, START + HOUR))


async def test_each_time_what_is_new_is_written(store: Store, clock: ManualClock) -> None:
    """A minute's figure is how often it happened in that minute."""
    telemetry = Telemetry(clock, {})
    book = MinuteBook(store, telemetry.counted, clock)
    for count in (2, 3):
        for _ in range(count):
            telemetry.accepted("shop", "evt_1", is_duplicate=False, duration_s=0.1)
        await book.write()
        await book.write()
        clock.advance(60)

    minute = timedelta(minutes=1)
    assert [Figure(START, ACCEPTED, 2, 0.0), Figure(START + minute, ACCEPTED, 3, 0.0)] == await figures(store)


async def test_success_and_latency_of_deliveries_are_told(store: Store, clock: ManualClock) -> None:
    """How many, what became of them, how long they took, and how these times are spread."""
    telemetry = Telemetry(clock, {})
    receipt = await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
    (delivery,) = receipt.deliveries
    attempt = an_attempt(delivery)
    telemetry.attempted(delivery, attempt, DeliveryStatus.DELIVERED, next_in_s=None)
    telemetry.refused("shop", Refusal.MISMATCH)
    telemetry.proven("shop", 2)

    await MinuteBook(store, telemetry.counted, clock).write()

    assert {
        Kind("event", "shop", "mismatch"): (1, 0.0),
        Kind("proof", "shop", "2"): (1, 0.0),
        Kind("delivery", "erp", "accepted"): (1, 0.0),
        Kind("duration", "erp", ALL_DURATIONS): (1, attempt.duration_s),
        Kind("duration", "erp", "0.25"): (1, 0.0),
    } == {figure.kind: (figure.count, figure.seconds) for figure in await figures(store)}


async def test_what_cannot_be_written_is_written_later(
    open_store: OpenStore, storage: Storage, clock: ManualClock
) -> None:
    """A store that is unavailable for a while costs a chart nothing."""
    store = await open_store("worker-a", patience_s=0.25)
    telemetry = Telemetry(clock, {})
    book = MinuteBook(store, telemetry.counted, clock)
    telemetry.accepted("shop", "evt_1", is_duplicate=False, duration_s=0.1)
    async with storage.blocked():
        with pytest.raises(StoreUnavailable):
            await book.write()

    await book.write()

    assert [1] == [figure.count for figure in await figures(store)]


def test_a_day_is_told_in_no_more_steps_than_can_be_drawn() -> None:
    """Each step is whole, and the present minute is in the last."""
    now = START + timedelta(seconds=30)
    minute = timedelta(minutes=1)

    assert Span(START - 59 * minute, START + minute, minute) == last_minutes(60, now)
    assert Span(START - 124 * minute, START + minute, 5 * minute) == last_minutes(121, now)
    assert Span(START - 1439 * minute, START + minute, 15 * minute) == last_minutes(1440, now)
