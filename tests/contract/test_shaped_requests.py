"""What a shaped delivery looks like on the wire, by real sockets."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import Call, Delivery, Outcome, Route, Secret, Shape
from relay.expressions import compile_expression
from relay.shaper import LARGE_BODY_BYTES, ShapingSender
from relay.shaping import Shapes
from relay.targets.http import HttpSender
from tests.builders import an_event
from tests.conftest import ManualClock
from tests.receiver import receiving, says
from tests.senders import a_delivery, an_http_sender, an_http_target, send_once


def called(call: Call) -> Delivery:
    return replace(a_delivery(), call=call)


async def test_path_and_query_are_added_to_the_targets_own(clock: ManualClock) -> None:
    """The target's URL says where everything begins, and may hold a parameter of its own."""
    async with receiving(says()) as receiver:
        sender = an_http_sender(clock, f"http://127.0.0.1:{receiver.port}/v2/?key=1")
        await send_once(sender, called(Call("PATCH", "/invoice/7", "a=b")))

    assert b"PATCH /v2/invoice/7?key=1&a=b HTTP/1.1" == receiver.requests[0].line


async def test_a_computed_header_stands_in_place_of_the_targets_and_the_events(clock: ManualClock) -> None:
    """The nearer one says it more exactly; what is the relay's own stays."""
    event = replace(an_event(), headers=(("X-Shop", "event"), ("Content-Type", "text/x")))
    headers = (("x-tenant", "computed"), ("X-Shop", "computed"), ("content-type", "text/y"), ("X-Relay-Type", "no"))
    async with receiving(says()) as receiver:
        sender = an_http_sender(clock, receiver.url, headers={"X-Tenant": Secret("fixed")}, pass_headers=("X-Shop",))
        await send_once(sender, replace(a_delivery(event), call=Call(headers=headers)))
    request = receiver.requests[0]

    assert ["computed", "computed", "text/y"] == [
        request.value(name) for name in ("X-Tenant", "X-Shop", "Content-Type")
    ]
    assert "order.paid" == request.value("X-Relay-Type")


@pytest.mark.parametrize("name", ["Connection", "Transfer-Encoding", "Content-Length", "webhook-id"])
async def test_a_header_of_the_connection_is_never_computed(clock: ManualClock, name: str) -> None:
    """The configuration refuses it; should it come here all the same, it is left out."""
    async with receiving(says()) as receiver:
        await send_once(an_http_sender(clock, receiver.url), called(Call(headers=((name, "evil"),))))

    assert b"evil" not in receiver.requests[0].values(name)


@pytest.mark.parametrize("size", [10, LARGE_BODY_BYTES + 1], ids=["small", "large"])
@pytest.mark.parametrize("encoding", [None, "gzip"])
async def test_what_was_stored_is_shaped_whatever_its_size_and_form(
    clock: ManualClock, size: int, encoding: str | None
) -> None:
    """A packed body is unpacked for the expressions, and what is sent is not packed."""
    raw = json.dumps({"id": "x" * size}).encode()
    headers = (("Content-Encoding", encoding),) if encoding else ()
    event = replace(an_event(body=gzip.compress(raw) if encoding else raw), headers=headers)
    async with receiving(says()) as receiver:
        sender = shaping(clock, receiver.url, Shape(compile_expression("{number: length(id)}")))
        attempt = await send_once(sender, a_delivery(event))

    assert Outcome.ACCEPTED == attempt.outcome
    assert b'{"number":%d}' % size == receiver.requests[0].body
    assert [] == receiver.requests[0].values("Content-Encoding")


async def test_an_expression_that_fails_sends_nothing_and_says_why(clock: ManualClock) -> None:
    """The delivery stands as dead: it can be replayed once the expression is right."""
    async with receiving(says()) as receiver:
        sender = shaping(clock, receiver.url, Shape(compile_expression("upper(id)")))
        event = an_event(body=b'{"id": 1}')
        attempt = await send_once(sender, a_delivery(event, attempt=3))

    assert [] == receiver.requests
    assert (Outcome.BLOCKED, 3, None) == (attempt.outcome, attempt.number, attempt.status)
    assert (
        "nothing was sent: `body` of the route route failed: upper(id): upper() takes string, and was given number; "
        f"`relay try route --event {event.id}` shows it, and a replay tries it again" == attempt.detail
    )


async def test_every_attempt_sends_the_same(clock: ManualClock) -> None:
    """Nothing that an expression can read changes with time or chance."""
    shape = Shape(compile_expression("{id: uuid(event_id), at: date(received_at, '%H:%M')}"))
    async with receiving(says()) as receiver:
        event = an_event()
        for attempt in (1, 2):
            await send_once(shaping(clock, receiver.url, shape), a_delivery(event, attempt=attempt))
            clock.advance(timedelta(hours=1).total_seconds())

    assert receiver.requests[0].body == receiver.requests[1].body


def shaping(clock: ManualClock, url: str, shape: Shape) -> ShapingSender:
    target = an_http_target(url)
    return ShapingSender(
        HttpSender(target, clock), Shapes(target, [Route("route", "shop", (target,), None, shape)]), clock
    )
