"""A lane on a bad day: its target dead, paused, slow of pace, or particular about order. Time is moved by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from relay.domain import BreakerPolicy, DeliveryStatus, Outcome, Rate, Target
from relay.gate import Gate
from tests.conftest import START
from tests.integration.conftest import POLICY, Bench
from tests.storage import Storage

BREAKER = BreakerPolicy(failures=3, probe_s=30, probe_cap_s=100)
PLAIN = Target("erp", concurrency=4, retry=replace(POLICY, max_age=timedelta(seconds=60)), breaker=BREAKER)
DOWN = Outcome.UNREACHABLE


@pytest.fixture
def target() -> Target:
    return PLAIN


async def opened(bench: Bench) -> None:
    """Have the breaker open, by as many failures as it takes."""
    bench.target.answers = [DOWN] * BREAKER.failures
    for number in range(1, BREAKER.failures + 1):
        event = await bench.accept()
        await bench.until_sent(number)
        await bench.until_status(event.id, DeliveryStatus.PENDING, attempts=1)
    assert bench.gate.is_shut


class TestBreaker:
    async def test_while_it_is_open_nothing_is_sent_and_no_attempt_burnt(self, bench: Bench) -> None:
        """What waits for a dead target keeps every attempt it has."""
        await opened(bench)
        event = await bench.accept()
        bench.clock.advance(29)
        await bench.look()

        await bench.until_sent(BREAKER.failures)
        (delivery,) = (await bench.story(event.id)).deliveries
        assert (DeliveryStatus.PENDING, ()) == (delivery.status, delivery.attempts)
        assert [("erp", "broken")] == bench.journal.changes

    async def test_one_delivery_tries_and_its_success_lets_the_others_follow(self, bench: Bench) -> None:
        """A target that is back is found by one, not by all at once."""
        await opened(bench)
        for _ in range(6):
            await bench.accept()
        bench.target.open_gate.clear()
        bench.clock.advance(30)
        await bench.look()
        await bench.until_sent(BREAKER.failures + 1)

        bench.target.open_gate.set()
        await bench.until_sent(BREAKER.failures + 6 + BREAKER.failures)
        assert [("erp", state) for state in ("broken", "probing", "operating")] == bench.journal.changes

    async def test_it_opens_gently(self, bench: Bench) -> None:
        """Slow start: one, two, four at a time, so that who comes back is not knocked over."""
        await opened(bench)
        for _ in range(12):
            await bench.accept()
        bench.clock.advance(30)
        bench.target.open_gate.clear()
        await bench.look()
        for at_once in (1, 1, 2, 4):
            await bench.until_sent(len(bench.target.sent) + at_once)
            assert at_once == bench.target.waiting
            bench.target.let_through(at_once)

    async def test_a_failed_try_waits_longer_up_to_a_cap(self, bench: Bench) -> None:
        """A target that is down for hours is asked now and then, and seldom."""
        await opened(bench)
        sent = BREAKER.failures
        bench.target.answers = [DOWN] * 9
        for wait_s in (30, 60, 100, 100):
            await bench.accept()
            bench.clock.advance(wait_s - 1)
            await bench.look()
            await bench.until_sent(sent)

            bench.clock.advance(1)
            await bench.look()
            sent += 1
            await bench.until_sent(sent)

    async def test_time_behind_it_is_no_part_of_an_events_age(self, bench: Bench) -> None:
        """Six hours of a dead target must not kill what was to be tried for one minute."""
        await opened(bench)
        event = await bench.accept()
        bench.clock.advance(6 * 3600)
        bench.target.answers = [Outcome.ACCEPTED, *[Outcome.ERRORED] * 3]
        await bench.look()
        await bench.until_sent(BREAKER.failures + 4)

        statuses = {(await bench.story(event_id)).deliveries[0].status for event_id, _ in bench.target.sent}
        assert DeliveryStatus.DEAD not in statuses
        await bench.until_status(event.id, DeliveryStatus.DELIVERED)

    async def test_a_target_that_is_configured_anew_is_tried_at_once(self, bench: Bench) -> None:
        """Who has just corrected its URL does not wait for the next probe; that it was unwell is not forgotten."""
        await opened(bench)
        bench.gate.adopt(replace(PLAIN, timeout_s=9.0))
        event = await bench.accept()
        assert bench.gate.is_shut

        async def is_tried() -> bool:
            await bench.look()  # one that began while the breaker was still being noted is no news
            return not bench.gate.is_shut

        await bench.until(is_tried)
        await bench.until_status(event.id, DeliveryStatus.DELIVERED)

    async def test_a_fault_of_the_event_is_none_of_the_target(self, bench: Bench) -> None:
        """A 4xx says that the target lives."""
        bench.target.answers = [Outcome.ERRORED] * 9
        for number in range(1, 10):
            await bench.accept()
            await bench.until_sent(number)

        assert not bench.gate.is_shut


class TestPause:
    async def test_a_paused_target_gets_nothing_until_it_is_resumed(self, bench: Bench) -> None:
        """The operator's word goes through the same gate; another process may have given it."""
        await bench.store.pause("erp", bench.clock.now(), is_paused=True)
        await bench.look()
        event = await bench.accept()
        await bench.until_sent(0)

        bench.clock.advance(3600)
        await bench.store.pause("erp", bench.clock.now(), is_paused=False)
        await bench.look()
        bench.clock.advance(1)
        await bench.until_status(event.id, DeliveryStatus.DELIVERED)
        assert timedelta(seconds=3600) == bench.gate.held(START, bench.clock.now())

    async def test_a_restart_remembers_for_how_long_it_was_paused(self, bench: Bench) -> None:
        """What waited for days has as much time left as it had, whichever process carries it."""
        await bench.store.pause("erp", bench.clock.now(), is_paused=True)
        bench.clock.advance(3600)
        await bench.store.pause("erp", bench.clock.now(), is_paused=False)
        reborn = Gate(PLAIN, bench.store, bench.clock, bench.journal)

        await reborn.look((await bench.store.lanes())["erp"], reborn.notes_answered)
        assert timedelta(seconds=3600) == reborn.held(START, bench.clock.now())

    async def test_what_waits_in_memory_goes_back_to_the_store(self, bench: Bench) -> None:
        """A paused lane holds no lease: a restart, or another process, finds everything pending."""
        bench.target.open_gate.clear()
        events = [await bench.accept() for _ in range(9)]
        await bench.until_sent(PLAIN.concurrency)
        await bench.store.pause("erp", bench.clock.now(), is_paused=True)
        await bench.look()

        for event in events[PLAIN.concurrency :]:
            await bench.until_status(event.id, DeliveryStatus.PENDING, attempts=0)
        bench.target.open_gate.set()
        for event in events[: PLAIN.concurrency]:
            await bench.until_status(event.id, DeliveryStatus.DELIVERED)

    async def test_one_that_the_store_does_not_take_back_keeps_no_other(self, bench: Bench, storage: Storage) -> None:
        """It would end the process, and after each start again: it keeps its lease, and the log tells of it."""
        bench.target.open_gate.clear()
        events = [await bench.accept() for _ in range(PLAIN.concurrency + 3)]
        await bench.until_sent(PLAIN.concurrency)
        *others, poison = events[PLAIN.concurrency :]
        await storage.refuse_settlement(poison.id)
        await bench.store.pause("erp", bench.clock.now(), is_paused=True)

        with capture_logs() as said:
            await bench.look()
            for event in others:
                await bench.until_status(event.id, DeliveryStatus.PENDING, attempts=0)
            await bench.until_said("delivery_stuck", said)

        await bench.until_status(poison.id, DeliveryStatus.SENDING)
        assert bench.worker.is_well


class TestRate:
    @pytest.fixture
    def target(self) -> Target:
        return replace(PLAIN, rate=Rate(2, 10.0))

    async def test_no_more_is_sent_in_any_period(self, bench: Bench) -> None:
        """Two at once, and two more each ten seconds."""
        for _ in range(7):
            await bench.accept()

        await bench.until_sent(2)
        bench.clock.advance(9.9)
        await bench.until_sent(2)
        for sent in (4, 6, 7):
            bench.clock.advance(10)
            await bench.until_sent(sent)


class TestOrder:
    async def test_those_with_the_same_value_arrive_one_after_the_other(self, bench: Bench) -> None:
        """A retry holds back its own value; the others go on, and nothing overtakes."""
        bench.target.answers = [Outcome.ERRORED]
        first = await bench.accept(order="rental-7")
        second = await bench.accept(order="rental-7")
        other = await bench.accept(order="rental-8")
        await bench.until_status(other.id, DeliveryStatus.DELIVERED)
        await bench.until_sent(2)

        bench.clock.advance(10)
        await bench.until_status(first.id, DeliveryStatus.DELIVERED)
        bench.clock.advance(1)
        await bench.until_status(second.id, DeliveryStatus.DELIVERED)
        assert [first.id, other.id, first.id, second.id] == [event_id for event_id, _ in bench.target.sent]


class TestTurns:
    @pytest.fixture
    def target(self) -> Target:
        return replace(PLAIN, concurrency=1)

    async def test_a_burst_of_fresh_events_does_not_starve_what_is_due_again(self, bench: Bench) -> None:
        """Each fourth turn is a retry's, however many fresh ones wait."""
        bench.target.answers = [Outcome.ERRORED]
        retry = await bench.accept()
        await bench.until_status(retry.id, DeliveryStatus.PENDING, attempts=1)
        bench.target.open_gate.clear()
        for _ in range(20):
            await bench.accept()
        bench.clock.advance(10)
        await bench.until_status(retry.id, DeliveryStatus.SENDING)
        bench.target.open_gate.set()

        await bench.until_sent(22)
        again = [event_id for event_id, _ in bench.target.sent].index(retry.id, 1)
        assert again <= 6
