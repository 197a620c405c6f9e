"""What every kind of target must hold to, by a real server of each kind: see `tests.stages`."""

import asyncio
import threading
from importlib import import_module

import pytest

from relay import registry
from relay.config.models.targets import KINDS
from relay.domain import Attempt, Outcome
from tests.builders import an_event
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.senders import a_delivery, opened
from tests.stages import Props, SetScene, Stage

NETWORKLESS = {"file"}


def stage_of(kind: str) -> Stage:
    stage: Stage = import_module(f"tests.stages.{kind}").STAGE
    return stage


FAILURES = [
    pytest.param(kind, scene, outcome, id=f"{kind}: {name}")
    for kind in KINDS
    for name, (scene, outcome) in stage_of(kind).fails.items()
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sender(kind: str) -> None:
    """What the configuration takes can be carried."""
    assert callable(registry.load("relay.targets", kind, "SENDER"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_seen_to_fail(kind: str) -> None:
    """A time-out on each; and on each that is called over the network nobody there, and the guard."""
    outcomes = {outcome for _, outcome in stage_of(kind).fails.values()}
    wanted = {Outcome.TIMED_OUT} | (set() if kind in NETWORKLESS else {Outcome.UNREACHABLE, Outcome.BLOCKED})

    assert set() == wanted - outcomes


@pytest.mark.parametrize("kind", KINDS)
async def test_a_delivery_arrives(kind: str, props: Props) -> None:
    """The attempt tells what is needed later: its number, its time, and that it was accepted."""
    async with stage_of(kind).accepts(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery(attempt=3))
        arrived = await scene.count()

    assert (3, START, Outcome.ACCEPTED, "") == (attempt.number, attempt.started_at, attempt.outcome, attempt.detail)
    assert 1 == arrived


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_repeat_does_is_known(kind: str, props: Props) -> None:
    """Deliveries are at least once: a kind whose receiver can tell repeats by the event's id lets it."""
    stage, delivery = stage_of(kind), a_delivery(an_event(body=b'{"n": 1}'))
    async with stage.accepts(props) as scene, opened(scene.sender) as sender:
        attempts = [await sender.send(delivery), await sender.send(delivery)]
        arrived = await scene.count()

    assert [Outcome.ACCEPTED] * 2 == [attempt.outcome for attempt in attempts]
    assert stage.repeats == arrived


@pytest.mark.parametrize("kind", KINDS)
async def test_large_bodies_arrive_from_several_at_once(kind: str, props: Props) -> None:
    """Invoices are megabytes, and a target's deliveries share its connections."""
    deliveries = [a_delivery(an_event(body=b'{"data": "%s"}' % (b"%d" % digit * 700_000))) for digit in range(3)]
    async with stage_of(kind).accepts(props) as scene, opened(scene.sender) as sender:
        attempts = await asyncio.gather(*map(sender.send, deliveries))
        arrived = await scene.count()

    assert [Outcome.ACCEPTED] * 3 == [attempt.outcome for attempt in attempts]
    assert 3 == arrived


@pytest.mark.parametrize(("kind", "set_scene", "outcome"), FAILURES)
async def test_a_failure_is_told_in_words_and_without_secrets(
    kind: str, set_scene: SetScene, outcome: Outcome, props: Props
) -> None:
    """Whatever goes wrong is an outcome, within the deadline, with a reason that may be logged and shown."""
    async with set_scene(props) as scene, opened(scene.sender) as sender:
        attempt: Attempt = await sender.send(a_delivery())
        told = [repr(attempt), repr(sender)]

    assert outcome == attempt.outcome
    assert attempt.detail
    assert [] == [secret for secret in stage_of(kind).secrets if any(secret in text for text in told)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NETWORKLESS])
async def test_that_nobody_is_there_is_told_with_the_place(kind: str, props: Props) -> None:
    """Who reads it at night knows at once which server to look after, whatever its driver makes of it."""
    set_scene, _ = stage_of(kind).fails["nobody"]
    async with set_scene(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery())

    assert attempt.detail.startswith("127.0.0.1:1: ")
    assert attempt.detail.endswith("Connection refused")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_sender_closes_without_a_trace(kind: str, props: Props) -> None:
    """A reload closes senders while the program goes on: no task of theirs, and no thread, outlives them."""
    async with stage_of(kind).accepts(props) as scene:
        before = asyncio.all_tasks()
        async with opened(scene.sender) as sender:
            await sender.send(a_delivery())
        async with asyncio.timeout(WAIT_S_MAX):  # a server's own tasks end when it sees that we are gone
            while asyncio.all_tasks() - before:
                await asyncio.sleep(0)

    for thread in threading.enumerate():
        if thread.name.startswith(("relay-erp", "relay-archive")):
            thread.join(timeout=WAIT_S_MAX)
            assert not thread.is_alive()
