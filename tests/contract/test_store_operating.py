"""What every store lets an operator do: change deliveries, replay many, keep what was refused, add up minutes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import DeliveryStatus, Refusal
from relay.store.ports.minutes import MINUTE, Figure, Kind
from relay.store.ports.rejections import Bounds
from relay.store.ports.replays import Replay, ReplayState, ReplayStep
from relay.store.ports.search import DeliveryFilter, EventFilter, EventStatus
from relay.store.ports.text import TEXT_BYTES_MAX
from relay.store.protocol import Store
from tests.builders import a_lease, a_plan, a_rejection, again, an_event, dead, delivered
from tests.conftest import START
from tests.storage import OpenStore

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
LATER = START + HOUR
MANY = 10**9


async def an_id(store: Store, *, order: str | None = None, target: str = "erp") -> int:
    """Accept an event with one delivery; return the delivery's number."""
    before = {row.id for row in (await store.search.deliveries(DeliveryFilter(), None, 100)).deliveries}
    await store.accept(an_event(), a_plan(target, order=order), {})
    page = await store.search.deliveries(DeliveryFilter(), None, 100)
    return next(row.id for row in page.deliveries if row.id not in before)


async def status_of(store: Store, delivery_id: int) -> DeliveryStatus:
    row = await store.search.delivery(delivery_id)
    assert row is not None
    return row.status


class TestRetry:
    async def test_what_waits_for_its_next_attempt_goes_at_once(self, store: Store) -> None:
        """The target is mended; nobody wants to wait six hours for the schedule."""
        receipt = await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
        await store.settle(again(receipt.deliveries[0], START + 6 * HOUR))

        assert DeliveryStatus.PENDING is await store.changes.retry(receipt.deliveries[0].id, LATER)
        assert 1 == len(await store.claim("erp", a_lease(), LATER, 1, MANY))

    async def test_a_final_one_begins_anew(self, store: Store) -> None:
        """One delivery of an event can be sent again without the others."""
        receipt = await store.accept(an_event(), a_plan("erp", "chat"), {0: a_lease(), 1: a_lease()})
        for delivery in receipt.deliveries:
            await store.settle(dead(delivery))

        assert DeliveryStatus.DEAD is await store.changes.retry(receipt.deliveries[0].id, LATER)

        (claimed,) = await store.claim("erp", a_lease(), LATER, 5, MANY)
        assert (2, 1) == (claimed.attempt, claimed.attempts_made)
        lanes = await store.lanes()
        assert [(1, 0), (0, 1)] == [(lanes[name].unfinished, lanes[name].dead) for name in ("erp", "chat")]

    async def test_one_that_waits_for_its_turn_goes_on_waiting(self, store: Store) -> None:
        """`order_by` is a promise, and impatience no reason to break it."""
        first = await an_id(store, order="one")
        second = await an_id(store, order="one")

        assert DeliveryStatus.PENDING is await store.changes.retry(second, LATER)

        assert [first] == [each.id for each in await store.claim("erp", a_lease(), LATER, 5, MANY)]

    async def test_one_that_is_being_sent_is_left_alone(self, store: Store) -> None:
        """Its worker comes back to settle it."""
        receipt = await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
        delivery = receipt.deliveries[0]

        assert DeliveryStatus.SENDING is await store.changes.retry(delivery.id, LATER)
        assert DeliveryStatus.SENDING is await store.changes.cancel(delivery.id, LATER)
        assert await store.settle(delivered(delivery))

    async def test_there_must_be_one(self, store: Store) -> None:
        """A slip of the pen changes nothing and says so."""
        assert await store.changes.retry(1, LATER) is None
        assert await store.changes.cancel(1, LATER) is None


class TestCancel:
    async def test_a_cancelled_delivery_is_never_sent(self, store: Store) -> None:
        """It is final, with who ended it, and no longer a part of the backlog."""
        delivery_id = await an_id(store)

        assert DeliveryStatus.PENDING is await store.changes.cancel(delivery_id, LATER)

        row = await store.search.delivery(delivery_id)
        assert row is not None
        assert (DeliveryStatus.CANCELLED, LATER) == (row.status, row.finished_at)
        assert "operator" in row.reason
        assert [] == await store.claim("erp", a_lease(), LATER, 5, MANY)
        assert 0 == (await store.lanes())["erp"].unfinished

    async def test_what_died_can_be_laid_aside(self, store: Store) -> None:
        """What nobody will ever replay need not be counted as dead for ever."""
        receipt = await store.accept(an_event(), a_plan("erp"), {0: a_lease()})
        await store.settle(dead(receipt.deliveries[0]))

        assert DeliveryStatus.DEAD is await store.changes.cancel(receipt.deliveries[0].id, LATER)
        assert (0, 0) == ((await store.lanes())["erp"].unfinished, (await store.lanes())["erp"].dead)

    async def test_the_next_in_line_gets_its_turn(self, store: Store) -> None:
        """Whatever ends the head of an order lets the next one go."""
        first = await an_id(store, order="one")
        second = await an_id(store, order="one")
        await store.changes.cancel(first, LATER)

        assert [second] == [each.id for each in await store.claim("erp", a_lease(), LATER, 5, MANY)]

    async def test_all_that_waits_for_a_target_is_cancelled_in_steps(self, store: Store) -> None:
        """A target that is no more leaves nothing behind; others are not concerned."""
        for _ in range(3):
            await an_id(store)
        other = await an_id(store, target="chat")

        assert [2, 1, 0] == [await store.changes.cancel_pending("erp", LATER, 2) for _ in range(3)]

        assert DeliveryStatus.PENDING is await status_of(store, other)
        assert 0 == (await store.lanes())["erp"].unfinished


class TestMove:
    async def test_what_waits_goes_to_another_target(self, store: Store) -> None:
        """A target was renamed: nothing that waited for it is lost, and all of it is due at once."""
        ids = [await an_id(store, order="one", target="old") for _ in range(2)]

        assert 2 == await store.changes.move_pending("old", "new", LATER, 10)

        claimed = await store.claim("new", a_lease(), LATER, 10, MANY)
        assert set(ids) == {each.id for each in claimed}
        assert {None} == {each.order for each in claimed}
        lanes = await store.lanes()
        assert [0, 2] == [lanes[name].unfinished for name in ("old", "new")]

    async def test_who_stays_behind_in_a_line_gets_its_turn(self, store: Store) -> None:
        """A step ends in the midst of a line: who comes after must not wait for ever for who has left."""
        first, second, third = [await an_id(store, order="one", target="old") for _ in range(3)]

        assert 1 == await store.changes.move_pending("old", "new", LATER, 1)

        assert [second] == [each.id for each in await store.claim("old", a_lease(), LATER, 5, MANY)]
        assert [first] == [each.id for each in await store.claim("new", a_lease(), LATER, 5, MANY)]
        assert DeliveryStatus.PENDING is await status_of(store, third)

    async def test_nothing_is_sent_twice_to_the_same_target(self, store: Store) -> None:
        """An event that goes to the other target already needs no second delivery there."""
        await store.accept(an_event(), a_plan("old", "new"), {})

        assert 1 == await store.changes.move_pending("old", "new", LATER, 10)

        assert 1 == len(await store.claim("new", a_lease(), LATER, 10, MANY))
        assert 0 == (await store.lanes())["old"].unfinished


class TestMinutes:
    PAID = Kind("event", "shop", "accepted")
    SENT = Kind("delivery", "erp", "accepted")

    async def test_processes_add_up(self, open_store: OpenStore) -> None:
        """Two replicas are one relay; and a restart forgets nothing."""
        one, two = await open_store("worker-a"), await open_store("worker-b")
        await one.minutes.add(START, {self.PAID: (2, 0.5), self.SENT: (1, 1.0)}, START)
        await two.minutes.add(START, {self.PAID: (3, 0.25)}, START)
        await two.minutes.add(START + 60 * SECOND, {self.PAID: (1, 0.0)}, START)

        assert [
            Figure(START, self.SENT, 1, 1.0),
            Figure(START, self.PAID, 5, 0.75),
        ] == await one.minutes.between(START, START + 60 * SECOND)
        assert {"shop": START + 60 * SECOND} == await one.minutes.last_seen()

    async def test_when_each_secret_was_last_used_is_told(self, store: Store) -> None:
        """By its number; what else is counted of a source has no part in it."""
        first, second = Kind("proof", "shop", "1"), Kind("proof", "shop", "2")
        await store.minutes.add(START, {first: (2, 0.0), second: (1, 0.0), self.PAID: (3, 0.0)}, START)
        await store.minutes.add(LATER, {first: (1, 0.0)}, START)

        assert {("shop", 1): LATER, ("shop", 2): START} == await store.minutes.last_proofs()

    async def test_they_are_added_up_in_steps(self, store: Store) -> None:
        """A day is a hundred points and not a hundred thousand rows: whoever draws it needs no more."""
        for minute in (0, 4, 5, 11):
            await store.minutes.add(START + minute * MINUTE, {self.PAID: (1, 0.5), self.SENT: (2, 0.0)}, START)

        told = await store.minutes.between(START, START + 12 * MINUTE, 5 * MINUTE)

        assert [
            *(
                Figure(START, kind, count, seconds)
                for kind, count, seconds in ((self.SENT, 4, 0.0), (self.PAID, 2, 1.0))
            ),
            Figure(START + 5 * MINUTE, self.SENT, 2, 0.0),
            Figure(START + 5 * MINUTE, self.PAID, 1, 0.5),
            Figure(START + 10 * MINUTE, self.SENT, 2, 0.0),
            Figure(START + 10 * MINUTE, self.PAID, 1, 0.5),
        ] == told

    async def test_old_ones_are_forgotten(self, store: Store) -> None:
        """The table stays small."""
        await store.minutes.add(START, {self.PAID: (2, 0.5)}, START)
        await store.minutes.add(LATER, {self.PAID: (1, 0.0)}, START + SECOND)

        assert [LATER] == [figure.at for figure in await store.minutes.between(START, LATER + SECOND)]


def a_replay(**told: object) -> Replay:
    ordinary = Replay("rpl_1", EventFilter(), False, 10, ReplayState.RUNNING, START, START)
    return replace(ordinary, **told)  # type: ignore[arg-type]


def a_step(*event_ids: str, position: str = "evt_1", is_last: bool = False) -> ReplayStep:
    return ReplayStep(event_ids, position, len(event_ids), START + SECOND, is_last)


class TestReplays:
    async def died(self, store: Store, *targets: str) -> str:
        event = an_event()
        receipt = await store.accept(event, a_plan(*targets), {index: a_lease() for index in range(len(targets))})
        for delivery in receipt.deliveries:
            await store.settle(dead(delivery) if delivery.target == "erp" else delivered(delivery))
        return event.id

    async def test_a_job_is_there_after_a_restart(self, open_store: OpenStore) -> None:
        """With all that it is to do, and how far it came."""
        wanted = EventFilter("shop", "order.paid", EventStatus.DEAD, "erp", START, LATER, "Müller")
        store = await open_store("worker-a")
        await store.replays.begin(a_replay(wanted=wanted, only_dead=True))
        await store.close()

        store = await open_store("worker-b")
        assert a_replay(wanted=wanted, only_dead=True) == await store.replays.one("rpl_1")
        assert a_replay(wanted=wanted, only_dead=True) == await store.replays.due(START)
        assert [a_replay(wanted=wanted, only_dead=True)] == list(await store.replays.all(10))
        assert await store.replays.one("rpl_2") is None

    async def test_a_step_is_taken_once(self, open_store: OpenStore) -> None:
        """Two processes that take the same step at the same moment replay its events once."""
        one, two = await open_store("worker-a"), await open_store("worker-b")
        event_id = await self.died(one, "erp")
        job = a_replay()
        await one.replays.begin(job)

        assert 1 == await one.replays.advance(job, a_step(event_id), START)
        assert await two.replays.advance(job, a_step(event_id), START) is None

        stands = await two.replays.one(job.id)
        assert a_replay(position="evt_1", searched=1, replayed=1, due_at=START + SECOND) == stands
        assert await two.replays.due(START) is None
        assert stands == await two.replays.due(START + SECOND)

    async def test_only_the_dead_and_only_one_target(self, store: Store) -> None:
        """What was delivered is not sent again unless somebody wants it."""
        event_id = await self.died(store, "erp", "chat", "crm")
        only_dead = a_replay(only_dead=True)
        await store.replays.begin(only_dead)
        assert 1 == await store.replays.advance(only_dead, a_step(event_id, is_last=True), START)

        to_chat = a_replay(id="rpl_2", wanted=EventFilter(target="chat"))
        await store.replays.begin(to_chat)
        assert 1 == await store.replays.advance(to_chat, a_step(event_id, is_last=True), START)

        lanes = await store.lanes()
        assert [1, 1, 0] == [lanes[name].unfinished for name in ("erp", "chat", "crm")]
        assert ReplayState.DONE is (await store.replays.all(1))[0].state

    async def test_a_cancelled_job_does_nothing_more(self, store: Store) -> None:
        """Not even with the step that was under way."""
        event_id = await self.died(store, "erp")
        job = a_replay()
        await store.replays.begin(job)

        cancelled = await store.replays.cancel(job.id, LATER)

        assert cancelled is not None
        assert (ReplayState.CANCELLED, LATER) == (cancelled.state, cancelled.finished_at)
        assert await store.replays.advance(job, a_step(event_id), START) is None
        assert await store.replays.due(LATER) is None
        assert 0 == (await store.lanes())["erp"].unfinished
        assert await store.replays.cancel("rpl_2", LATER) is None

    async def test_old_jobs_are_forgotten(self, store: Store) -> None:
        """Those that run are not."""
        await store.replays.begin(a_replay())
        await store.replays.begin(a_replay(id="rpl_2"))
        await store.replays.cancel("rpl_2", START)
        await store.replays.forget(LATER)

        assert ["rpl_1"] == [job.id for job in await store.replays.all(10)]


class TestRejections:
    ALL = Bounds(START, 100, MANY)

    async def numbers(self, store: Store, source: str | None = None, refusal: Refusal | None = None) -> list[int]:
        return [row.number for row in await store.rejections.page(source, refusal, None, 100)]

    async def test_a_refused_request_is_kept_to_the_letter(self, store: Store) -> None:
        """It is to be verified once more: every byte of it counts."""
        await store.rejections.keep([a_rejection()], self.ALL)

        (row,) = await store.rejections.page(None, None, None, 10)
        assert ("shop", Refusal.MISMATCH, START, 5, None) == (
            row.source,
            row.refusal,
            row.received_at,
            row.body_bytes,
            row.event_id,
        )
        assert a_rejection(number=row.number) == await store.rejections.one(row.number)
        assert await store.rejections.one(row.number + 1) is None

    async def test_those_that_hold_a_text_are_told(self, store: Store) -> None:
        """As it is, and as JSON writes it in ASCII; at the beginning of a body, as in those of events."""
        far = b" " * TEXT_BYTES_MAX + "Müller".encode()
        bodies = ("Müller".encode(), b'{"name": "M\\u00fcller"}', b"Miller", b"", far)
        await store.rejections.keep([a_rejection(body=body) for body in bodies], self.ALL)

        assert {1, 2} == await store.rejections.holding("Müller", [1, 2, 3, 4, 5])
        assert {2} == await store.rejections.holding("Müller", [2, 3, 9])
        assert set() == await store.rejections.holding("Müller", [])

    async def test_they_are_found_newest_first(self, store: Store) -> None:
        """By source and reason, a page at a time."""
        others = [a_rejection(source="bank"), a_rejection(refusal=Refusal.STALE)]
        await store.rejections.keep([a_rejection(), *others], self.ALL)

        numbers = await self.numbers(store)
        assert sorted(numbers, reverse=True) == numbers
        assert numbers[1:2] == await self.numbers(store, source="bank")
        assert numbers[:1] == await self.numbers(store, refusal=Refusal.STALE)
        assert numbers[1:] == [row.number for row in await store.rejections.page(None, None, numbers[0], 10)]

    @pytest.mark.parametrize(
        "bounds", [Bounds(START, 2, MANY), Bounds(START, 100, 10), Bounds(START + SECOND, 100, MANY)]
    )
    async def test_no_more_is_kept_than_is_allowed(self, store: Store, bounds: Bounds) -> None:
        """Neither by count nor by bytes nor by age; the newest stay."""
        await store.rejections.keep([a_rejection()], self.ALL)
        await store.rejections.keep([a_rejection(received_at=START + SECOND) for _ in range(2)], bounds)

        assert 2 == len(await self.numbers(store))
        assert {START + SECOND} == {row.received_at for row in await store.rejections.page(None, None, None, 9)}

    async def test_what_it_became_is_kept(self, store: Store) -> None:
        """Nobody admits the same one twice without knowing."""
        await store.rejections.keep([a_rejection()], self.ALL)
        (number,) = await self.numbers(store)
        await store.rejections.note_admitted(number, "evt_1")

        rejection = await store.rejections.one(number)
        assert rejection is not None
        assert "evt_1" == rejection.event_id == (await store.rejections.page(None, None, None, 1))[0].event_id

    async def test_an_event_knows_the_request_that_was_refused_first(self, store: Store) -> None:
        """Of several with the same key, the first: when it came is what its vendor remembers."""
        await store.rejections.keep([a_rejection(), a_rejection(), a_rejection()], self.ALL)
        *_, first = await self.numbers(store)
        for number in (first, first + 1):
            await store.rejections.note_admitted(number, "evt_1")

        row = await store.rejections.admitted_as("evt_1")
        assert row is not None
        assert (first, Refusal.MISMATCH, "evt_1") == (row.number, row.refusal, row.event_id)
        assert await store.rejections.admitted_as("evt_2") is None
