"""What every kind of target that speaks HTTP must hold to when networks fail.

Time-outs, refusals, TLS, connections kept and lost. By real sockets. A new kind is a new row in `tests.senders`.
"""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from relay.domain import Outcome
from relay.targets.exchange import EXCERPT_BYTES
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX
from tests.receiver import closes, hangs, receiving, resets, says, writes
from tests.senders import SENDERS, TIMEOUT_S, Opener, a_delivery, opened, send_once

SELF_SIGNED = Path(__file__).with_name("self_signed.pem")


@pytest.fixture(params=SENDERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    return SENDERS[request.param]


# What a network does


async def test_a_target_that_says_nothing_times_out(opener: Opener, clock: ManualClock) -> None:
    """One deadline covers all of an attempt."""
    async with receiving(hangs) as receiver:
        attempt = await send_once(opener(clock, receiver.url, timeout_s=TIMEOUT_S))

    assert (Outcome.TIMED_OUT, None) == (attempt.outcome, attempt.status)
    assert f"127.0.0.1:{receiver.port}: no answer within 0.15 s" == attempt.detail


async def test_a_target_that_takes_no_connection_times_out(opener: Opener, clock: ManualClock) -> None:
    """A full queue of connections, or a firewall that drops: the deadline covers connecting too."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        attempt = await send_once(opener(clock, f"http://127.0.0.1:{port}/", timeout_s=TIMEOUT_S))

    assert Outcome.TIMED_OUT == attempt.outcome


async def test_a_refused_connection_is_unreachable(opener: Opener, clock: ManualClock) -> None:
    """The detail names the place that was called, and says what happened, in words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused, and no one else's
        port = taken.getsockname()[1]
        attempt = await send_once(opener(clock, f"http://127.0.0.1:{port}/"))

    assert Outcome.UNREACHABLE == attempt.outcome
    assert f"127.0.0.1:{port}: no connection: Connection refused" == attempt.detail


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (closes, "it closed the connection before it answered"),
        (resets, "the connection broke: Connection reset by peer"),
        (writes(b"HTTP/1.1 200 OK\r\nX-Half: "), "it closed the connection before it answered"),
    ],
    ids=["closed", "reset", "half a head"],
)
async def test_a_connection_that_breaks_unanswered_is_unreachable(
    opener: Opener, clock: ManualClock, answer: Any, words: str
) -> None:
    """A new connection is not tried twice: the target may have begun its work."""
    async with receiving(answer) as receiver:
        attempt = await send_once(opener(clock, receiver.url))

    assert (Outcome.UNREACHABLE, f"127.0.0.1:{receiver.port}: {words}") == (attempt.outcome, attempt.detail)
    assert 1 == len(receiver.requests)


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'a' * 64}.invalid"], ids=["unknown", "no host name"])
async def test_a_name_without_an_address_is_unreachable(opener: Opener, clock: ManualClock, host: str) -> None:
    """DNS fails at night as well, and is tried again."""
    attempt = await send_once(opener(clock, f"http://{host}/"))

    assert Outcome.UNREACHABLE == attempt.outcome
    assert attempt.detail.startswith(f"{host}:80: its name leads to no address: ")


async def test_a_certificate_nobody_vouches_for_is_not_accepted(opener: Opener, clock: ManualClock) -> None:
    """TLS is verified; nothing of the event goes out before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    async with receiving(says(), tls=context) as receiver:
        attempt = await send_once(opener(clock, f"https://localhost:{receiver.port}/"))

    assert Outcome.UNREACHABLE == attempt.outcome
    assert f"localhost:{receiver.port}: its TLS certificate is not accepted: self-signed certificate" == attempt.detail
    assert [] == receiver.requests


async def test_a_target_that_speaks_no_tls_is_unreachable(opener: Opener, clock: ManualClock) -> None:
    """`https` for an `http` port is a common slip."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writes(b"HTTP/1.1 400 Bad Request\r\n\r\n")(writer)

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        attempt = await send_once(opener(clock, f"https://127.0.0.1:{port}/"))

    assert Outcome.UNREACHABLE == attempt.outcome
    assert attempt.detail.startswith(f"127.0.0.1:{port}: TLS failed: ")


# Connections


async def test_connections_are_kept(opener: Opener, clock: ManualClock) -> None:
    """A connection for each delivery costs three times as much, and a TLS handshake."""
    async with receiving(says(body=b"ok")) as receiver, opened(opener(clock, receiver.url)) as sender:
        for _ in range(5):
            await sender.send(a_delivery())

    assert (5, 1) == (len(receiver.requests), receiver.connections)


async def test_a_long_answer_read_to_its_end_gives_its_connection_back(opener: Opener, clock: ManualClock) -> None:
    """Up to the bound it is cheaper to read an answer than to connect anew."""
    chunk = b"2000\r\n" + b"a" * 0x2000 + b"\r\n"
    head = b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def answers_bit_by_bit(writer: asyncio.StreamWriter) -> None:
        for part in (head, *[chunk] * 7, b"0\r\n\r\n"):
            writer.write(part)
            await writer.drain()

    async with receiving(answers_bit_by_bit) as receiver, opened(opener(clock, receiver.url)) as sender:
        first = await sender.send(a_delivery())
        await sender.send(a_delivery())

    assert (b"a" * EXCERPT_BYTES, 1) == (first.excerpt, receiver.connections)


@pytest.mark.parametrize("end", [closes, resets])
async def test_a_kept_connection_found_dead_is_replaced_at_once(opener: Opener, clock: ManualClock, end: Any) -> None:
    """Servers close idle connections, and that crosses with a request: no reason for a failed attempt."""
    async with receiving(says(), end, says()) as receiver, opened(opener(clock, receiver.url)) as sender:
        await sender.send(a_delivery())
        attempt = await sender.send(a_delivery())

    assert (Outcome.ACCEPTED, 2) == (attempt.outcome, receiver.connections)


async def test_a_dead_connection_is_replaced_by_a_new_one(opener: Opener, clock: ManualClock) -> None:
    """After a target's restart all kept connections are dead: another of them would be no help."""
    seen: set[asyncio.StreamWriter] = set()

    async def answers_once(writer: asyncio.StreamWriter) -> None:
        is_new = writer not in seen
        seen.add(writer)
        await receiver.has_got(2)  # both connections are open before either is given back
        await (says() if is_new else closes)(writer)

    async with receiving(answers_once) as receiver, opened(opener(clock, receiver.url)) as sender:
        await asyncio.gather(sender.send(a_delivery()), sender.send(a_delivery()))
        attempt = await sender.send(a_delivery())

    assert (Outcome.ACCEPTED, 3) == (attempt.outcome, receiver.connections)


async def test_a_dead_connection_is_replaced_once(opener: Opener, clock: ManualClock) -> None:
    """A target that dies of an event is not fed it again and again within one attempt."""
    async with receiving(says(), closes) as receiver, opened(opener(clock, receiver.url)) as sender:
        await sender.send(a_delivery())
        attempt = await sender.send(a_delivery())

    assert (Outcome.UNREACHABLE, 3) == (attempt.outcome, len(receiver.requests))


async def test_a_kept_connection_that_breaks_within_an_answer_is_not_replaced(
    opener: Opener, clock: ManualClock
) -> None:
    """An answer had begun, so the request was processed: the schedule decides when it is sent again."""
    half = writes(b"HTTP/1.1 200 OK\r\nX-Half: ")
    async with receiving(says(), half) as receiver, opened(opener(clock, receiver.url)) as sender:
        await sender.send(a_delivery())
        attempt = await sender.send(a_delivery())

    assert (Outcome.UNREACHABLE, 2) == (attempt.outcome, len(receiver.requests))


async def test_a_kept_connection_that_says_nothing_is_not_replaced(opener: Opener, clock: ManualClock) -> None:
    """A slow target is not a dead connection: it has the request."""
    async with (
        receiving(says(), hangs) as receiver,
        opened(opener(clock, receiver.url, timeout_s=TIMEOUT_S)) as sender,
    ):
        await sender.send(a_delivery())
        attempt = await sender.send(a_delivery())

    assert (Outcome.TIMED_OUT, 2) == (attempt.outcome, len(receiver.requests))


async def test_the_deadline_covers_the_second_connection_too(opener: Opener, clock: ManualClock) -> None:
    """One deadline for one attempt: what the dead connection took is gone."""

    async def closes_late(writer: asyncio.StreamWriter) -> None:
        clock.advance(WAIT_S_MAX)
        await closes(writer)

    async with receiving(says(), closes_late) as receiver, opened(opener(clock, receiver.url)) as sender:
        await sender.send(a_delivery())
        attempt = await sender.send(a_delivery())

    assert (Outcome.TIMED_OUT, WAIT_S_MAX) == (attempt.outcome, attempt.duration_s)
    assert 2 == len(receiver.requests)


async def test_cancelling_passes_through_and_drops_the_connection(opener: Opener, clock: ManualClock) -> None:
    """A worker that is told to stop must stop, and leave no half-used connection behind."""
    async with receiving(hangs, says()) as receiver, opened(opener(clock, receiver.url)) as sender:
        task = asyncio.create_task(sender.send(a_delivery()))
        await receiver.has_got(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        attempt = await sender.send(a_delivery())

    assert (Outcome.ACCEPTED, 2) == (attempt.outcome, receiver.connections)
