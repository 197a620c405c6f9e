"""Messages of an exchange, as a consumer of a real RabbitMQ gets them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pamqp.commands import Basic

from relay.domain import Attempt, Outcome
from relay.errors import ContentMissing
from relay.targets.amqp import AmqpSender, routing_key_of
from tests.builders import an_event
from tests.cutting import Cable, cable_to
from tests.rabbit import MESSAGE_BYTES_MAX
from tests.senders import TIMEOUT_S, a_delivery, opened
from tests.stages import Props
from tests.stages.amqp import STAGE, looking, place_of, sender_to, serving, url_of


@asynccontextmanager
async def wired(props: Props) -> AsyncIterator[tuple[AmqpSender, Cable]]:
    """Open a sender whose connection is made, over a cable."""
    async with looking(props), cable_to(props.servers.rabbit.port) as cable:
        sender = sender_to(props, f"amqp://127.0.0.1:{cable.port}")
        async with opened(sender):
            assert Outcome.ACCEPTED == (await sender.send(a_delivery())).outcome
            yield sender, cable


async def unanswered(sender: AmqpSender, cable: Cable) -> asyncio.Task[Attempt]:
    """Begin an attempt whose message the server gets, and never hear of it."""
    cable.fall_silent_after(b"the last one")
    attempt = asyncio.create_task(sender.send(a_delivery(an_event(body=b"the last one"))))
    while cable._answers.is_set():
        await asyncio.sleep(0)
    return attempt


async def test_a_message_tells_what_a_consumer_needs(props: Props) -> None:
    """The body byte for byte, kept on disk, and the id by which a repeat is known."""
    event = an_event(body=b"\xff\x00{")
    async with looking(props) as channel, opened(sender_to(props, url_of(props))) as sender:
        attempt = await sender.send(a_delivery(event))
        message = await channel.basic_get(place_of(props), no_ack=True)

    properties = message.header.properties
    assert Outcome.ACCEPTED == attempt.outcome
    assert isinstance(message.delivery, Basic.GetOk)
    assert ("events.shop", b"\xff\x00{") == (message.delivery.routing_key, message.body)
    assert (event.id, 2, "application/json") == (
        properties.message_id,
        properties.delivery_mode,
        properties.content_type,
    )
    assert datetime(2026, 7, 1, 12, 0, tzinfo=UTC) == properties.timestamp
    assert {"Relay-Source": "shop", "Relay-Type": "order.paid"} == properties.headers


async def test_it_speaks_tls_by_the_servers_own_name(props: Props) -> None:
    """The name is verified, although an address is dialled."""
    async with serving(tls=True)(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery())

    assert Outcome.ACCEPTED == attempt.outcome


async def test_the_virtual_host_is_that_of_the_url(props: Props) -> None:
    """Its name may begin with a slash, as the names of many do."""
    async with (
        looking(props, virtual_host="/prod") as channel,
        opened(sender_to(props, url_of(props, path="/%2Fprod"))) as sender,
    ):
        attempt = await sender.send(a_delivery())
        queue = await channel.queue_declare(place_of(props), passive=True)

    assert (Outcome.ACCEPTED, 1) == (attempt.outcome, queue.message_count)


async def test_one_larger_than_the_server_takes_harms_no_other(props: Props) -> None:
    """The server closes the channel that it came on; others have channels of their own."""
    bodies = (b"{}", b"x" * (MESSAGE_BYTES_MAX + 1), b"[]")
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender:
        attempts = await asyncio.gather(*(sender.send(a_delivery(an_event(body=body))) for body in bodies))
        later = await sender.send(a_delivery())

    assert [Outcome.ACCEPTED, Outcome.ERRORED, Outcome.ACCEPTED] == [attempt.outcome for attempt in attempts]
    assert "it refused the message (ChannelPreconditionFailed)" == attempts[1].detail
    assert Outcome.ACCEPTED == later.outcome


async def test_a_connection_that_the_server_has_closed_costs_no_attempt(props: Props) -> None:
    """Servers restart."""
    async with wired(props) as (sender, cable):
        cable.hang_up()
        while sender._connection is not None and sender._connection.is_opened:
            await asyncio.sleep(0)
        attempt = await sender.send(a_delivery())

    assert Outcome.ACCEPTED == attempt.outcome


async def test_a_connection_that_breaks_before_the_answer_fails_the_attempt(props: Props) -> None:
    """Whether the message is stored nobody knows: it is sent again, with the same id."""
    async with wired(props) as (sender, cable):
        attempt = await unanswered(sender, cable)
        cable.hang_up()
        told = await attempt
        await cable.mend()
        again = await sender.send(a_delivery())

    assert Outcome.UNREACHABLE == told.outcome
    assert Outcome.ACCEPTED == again.outcome


async def test_a_connection_that_the_driver_gives_up_does_not_cancel_who_waits(props: Props) -> None:
    """Without a heartbeat it cancels its reader, and with it everybody who waits; nobody wanted them to end."""
    async with wired(props) as (sender, cable):
        attempt = await unanswered(sender, cable)
        assert sender._connection is not None
        sender._connection._reader_task.cancel()
        told = await attempt

    assert Outcome.UNREACHABLE == told.outcome


async def test_a_cancelled_attempt_leaves_the_connection_to_others(props: Props) -> None:
    """What the server says of its message later is not taken for an answer to the next."""
    async with wired(props) as (sender, cable):
        attempt = await unanswered(sender, cable)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        connection = sender._connection
        await cable.mend()
        later = await sender.send(a_delivery())

    assert Outcome.ACCEPTED == later.outcome
    assert connection is sender._connection


async def is_blocked(sender: AmqpSender) -> bool:
    assert sender._connection is not None
    ready = asyncio.create_task(sender._connection.ready())
    await asyncio.sleep(0)
    return not ready.done() and ready.cancel()


async def test_nothing_piles_up_while_an_alarm_is_on(props: Props) -> None:
    """A server short of memory reads nothing: what each attempt sent would wait here, and all arrive in the end."""
    sender = sender_to(props, url_of(props))
    patient = sender._target
    async with looking(props) as channel, opened(sender):
        await sender.send(a_delivery())
        with props.servers.rabbit.alarmed():
            sent = asyncio.create_task(sender.send(a_delivery()))
            while not await is_blocked(sender):
                await asyncio.sleep(0)
            sender._target = replace(patient, timeout_s=TIMEOUT_S)
            kept = await sender.send(a_delivery())
        sender._target = patient
        attempts = [await sent, kept, await sender.send(a_delivery())]
        queue = await channel.queue_declare(place_of(props), passive=True)

    assert [Outcome.ACCEPTED, Outcome.TIMED_OUT, Outcome.ACCEPTED] == [attempt.outcome for attempt in attempts]
    assert 3 == queue.message_count


def test_no_event_brings_a_key_that_cannot_be_sent() -> None:
    """It may be too long for AMQP, or come from a header that is no UTF-8."""
    assert "events.?" == routing_key_of("events.\udcff")
    assert "x" * 255 == routing_key_of("x" * 255)
    with pytest.raises(ContentMissing):
        routing_key_of("x" * 256)
