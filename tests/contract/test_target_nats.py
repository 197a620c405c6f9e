"""Messages of a stream, as a consumer of a real JetStream reads them."""

import pytest

from relay.domain import Outcome
from relay.targets.nats import subject_of
from relay.templates import compile_template
from tests.builders import an_event
from tests.senders import a_delivery, opened
from tests.stages import Props
from tests.stages.nats import STAGE, looking, place_of, serving


async def test_a_message_tells_what_a_consumer_needs(props: Props) -> None:
    """The body byte for byte, and the event's id where JetStream looks for repeats."""
    event = an_event(body=b"\xff\x00{")
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender, looking(props) as jetstream:
        attempt = await sender.send(a_delivery(event))
        message = await jetstream.get_msg(place_of(props), 1)

    assert f"{place_of(props)} 1".encode() == attempt.excerpt
    assert (f"{place_of(props)}.shop", b"\xff\x00{") == (message.subject, message.data)
    assert {
        "Nats-Msg-Id": event.id,
        "Relay-Source": "shop",
        "Relay-Type": "order.paid",
        "Content-Type": "application/json",
    } == message.headers


async def test_a_repeat_is_known_and_told(props: Props) -> None:
    """The stream answers that it has it already: delivered, and nothing is stored."""
    delivery = a_delivery()
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender:
        await sender.send(delivery)
        attempt = await sender.send(delivery)

    assert (Outcome.ACCEPTED, f"{place_of(props)} 1 (a repeat)".encode()) == (attempt.outcome, attempt.excerpt)


async def test_it_speaks_tls_by_the_servers_own_name(props: Props) -> None:
    """The name is verified, although an address is dialled."""
    async with serving(tls=True)(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery())

    assert Outcome.ACCEPTED == attempt.outcome


async def test_a_server_that_was_restarted_is_called_anew(props: Props) -> None:
    """The driver would by itself call whatever address the server had told it of."""
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender:
        first = await sender.send(a_delivery())
        await sender._client.close()  # type: ignore[attr-defined]
        second = await sender.send(a_delivery())

    assert [Outcome.ACCEPTED] * 2 == [first.outcome, second.outcome]


async def test_one_larger_than_the_server_takes_is_told(props: Props) -> None:
    """Invoices are larger than `max_payload` is by itself."""
    async with STAGE.accepts(props) as scene, opened(scene.sender) as sender:
        attempt = await sender.send(a_delivery(an_event(body=b"x" * 5_000_000)))

    assert "the message is larger than the server takes (its `max_payload`)" == attempt.detail


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("events.shop.rental.booked", "events.shop.rental.booked"),
        ("a.*.>", "a._._"),
        ("a b\r\nPUB x 1", "a_b__PUB_x_1"),
        (".a..b.", "_.a._.b._"),
        ("é", "_"),
    ],
)
def test_no_event_chooses_a_subject_that_is_none(text: str, subject: str) -> None:
    """What it brings may hold wildcards, or a command of its own."""
    assert subject == subject_of(compile_template("{x}")({"x": text}))
