"""What another relay is handed: an event as it came here."""

from dataclasses import replace

from relay.domain import Outcome
from tests.builders import an_event
from tests.receiver import receiving, says
from tests.senders import a_delivery, opened
from tests.stages import Props
from tests.stages.relay import sender_to


async def test_headers_of_the_event_go_with_it(props: Props) -> None:
    """The vendor's own signature among them; what spoke of the way here does not, nor what would be ours."""
    came = (
        ("Content-Type", "application/json"),
        ("X-Drivy-Signature", "sha1=ab"),
        ("x-twice", "1"),
        ("X-Twice", "2"),
        ("Host", "hooks.example.com"),
        ("User-Agent", "vendor/1"),
        ("Connection", "close"),
        ("Content-Length", "999"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Authorization", "Basic eDp5"),
        ("webhook-id", "msg_theirs"),
        ("X-Relay-Type", "theirs"),
        ("X-Odd", "a\udcff"),
    )
    event = replace(an_event(body=b"\xff{"), headers=came)
    async with receiving(says()) as receiver, opened(sender_to(props, receiver.url)) as sender:
        attempt = await sender.send(a_delivery(event))
    (request,) = receiver.requests

    assert Outcome.ACCEPTED == attempt.outcome
    assert b"\xff{" == request.body
    assert [b"sha1=ab"] == request.values("X-Drivy-Signature")
    assert [b"1", b"2"] == request.values("X-Twice")
    assert [b"application/json"] == request.values("Content-Type")
    assert [event.id.encode()] == request.values("webhook-id")
    assert [b"order.paid"] == request.values("X-Relay-Type")
    assert [b"1"] == request.values("X-Relay-Hops")
    assert [f"127.0.0.1:{receiver.port}".encode()] == request.values("Host")
    assert [b"2"] == request.values("Content-Length")
    for name in ("X-Forwarded-For", "Authorization", "Connection", "X-Odd"):
        assert [] == request.values(name)
    assert not request.value("User-Agent").startswith("vendor")
