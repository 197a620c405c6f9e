"""What every kind of target that speaks HTTP must hold to between one answer and the next.

An answer belongs to one request: what a connection brings besides must never be taken for another's. By real sockets.
A new kind is a new row in `tests.senders`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop

from relay.domain import Attempt, Outcome
from tests.builders import an_event
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX
from tests.receiver import Answer, hangs, receiving, says, writes
from tests.senders import ENOUGH_S, SENDERS, TIMEOUT_S, Opener, a_delivery, opened, send_once

WHOLE_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LARGE = b"x" * 20_000_000  # more than the buffers between two processes take


@pytest.fixture(params=SENDERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    return SENDERS[request.param]


def says_raw(*pieces: bytes) -> Answer:
    """Write these bytes, each by itself, and keep the connection."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return answer


# What is an answer


@pytest.mark.parametrize(
    "interim", ["100 Continue\r\n\r\n", "102 Processing\r\n\r\n", "103 Early Hints\r\nLink: </a>\r\n\r\n"]
)
async def test_an_interim_answer_is_not_the_answer(opener: Opener, clock: ManualClock, interim: str) -> None:
    """It says that one will come (RFC 9110, 15.2)."""
    final = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"
    answers = (says_raw(f"HTTP/1.1 {interim}".encode(), final), says_raw(f"HTTP/1.1 {interim}".encode() + final))
    async with receiving(*answers) as receiver, opened(opener(clock, receiver.url)) as sender:
        attempts = [await sender.send(a_delivery()) for _ in answers]

    assert [(202, b"ok")] * 2 == [(attempt.status, attempt.excerpt) for attempt in attempts]
    assert 1 == receiver.connections


async def test_a_protocol_that_nobody_asked_for_is_an_error(opener: Opener, clock: ManualClock) -> None:
    """101 is final: what follows is no HTTP, and the connection is of no more use."""
    switching = says("101 Switching Protocols", "Upgrade: x", "Connection: upgrade")
    async with receiving(switching, says()) as receiver, opened(opener(clock, receiver.url)) as sender:
        attempt = await sender.send(a_delivery())
        await sender.send(a_delivery())

    assert (Outcome.ERRORED, 101, 2) == (attempt.outcome, attempt.status, receiver.connections)


async def test_an_answer_may_come_in_the_smallest_pieces(opener: Opener, clock: ManualClock) -> None:
    """Networks cut where they like; what belongs together is found together."""
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n"
    bit_by_bit = says_raw(*(raw[place : place + 1] for place in range(len(raw))))
    async with receiving(bit_by_bit) as receiver, opened(opener(clock, receiver.url)) as sender:
        attempts = [await sender.send(a_delivery()) for _ in range(2)]

    assert [(Outcome.ACCEPTED, "", b"hello")] * 2 == [(a.outcome, a.detail, a.excerpt) for a in attempts]
    assert 1 == receiver.connections


async def test_a_body_that_drips_does_not_move_the_deadline(opener: Opener, clock: ManualClock) -> None:
    """One deadline covers all of an attempt, however often something comes."""
    written = 0

    async def drips(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            written += 1
            await asyncio.sleep(ENOUGH_S / 100)

    async with receiving(drips) as receiver:
        attempt = await send_once(opener(clock, receiver.url, timeout_s=ENOUGH_S))

    assert (Outcome.ACCEPTED, "the body of the answer did not end in time") == (attempt.outcome, attempt.detail)
    assert 3 < written


# What is kept


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["Connection: close", "HTTP/1.0"],
)
async def test_a_connection_that_is_not_to_be_kept_is_not(opener: Opener, clock: ManualClock, raw: bytes) -> None:
    """Whoever says that it closes the connection does so: the next request would be lost."""
    async with receiving(says_raw(raw)) as receiver, opened(opener(clock, receiver.url)) as sender:
        attempts = [await sender.send(a_delivery()) for _ in range(2)]

    assert [(Outcome.ACCEPTED, b"ok")] * 2 == [(attempt.outcome, attempt.excerpt) for attempt in attempts]
    assert 2 == receiver.connections


async def test_an_answer_without_a_length_ends_with_its_connection(opener: Opener, clock: ManualClock) -> None:
    """That is how the oldest servers say where a body ends."""
    async with (
        receiving(writes(b"HTTP/1.1 200 OK\r\n\r\nok")) as receiver,
        opened(opener(clock, receiver.url)) as sender,
    ):
        attempts = [await sender.send(a_delivery()) for _ in range(2)]

    assert [(Outcome.ACCEPTED, "", b"ok")] * 2 == [(a.outcome, a.detail, a.excerpt) for a in attempts]
    assert 2 == receiver.connections


async def test_a_second_answer_in_one_breath_is_nobodys(opener: Opener, clock: ManualClock) -> None:
    """Taken for the answer to the next request it would say "delivered" of what was not."""
    twice = says_raw(WHOLE_ANSWER * 2)
    async with receiving(twice, says("500 Oops")) as receiver, opened(opener(clock, receiver.url)) as sender:
        attempts = [await sender.send(a_delivery()) for _ in range(2)]

    assert [200, 500] == [attempt.status for attempt in attempts]
    assert 2 == receiver.connections


@pytest.fixture
def kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ends does not end by its age."""
    monkeypatch.setattr("relay.targets.exchange.KEEPALIVE_S", 10 * WAIT_S_MAX)


async def after_idle_words(opener: Opener, clock: ManualClock, words: bytes) -> tuple[int | None, int]:
    """Let a kept connection speak unasked; return the next attempt's status, and how many connections were made."""
    writers: list[asyncio.StreamWriter] = []

    async def answers(writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await says()(writer)

    async with receiving(answers, says("500 Oops")) as receiver, opened(opener(clock, receiver.url)) as sender:
        await sender.send(a_delivery())
        writers[0].write(words)
        async with asyncio.timeout(WAIT_S_MAX):
            await writers[0].wait_closed()
        return (await sender.send(a_delivery())).status, receiver.connections


@pytest.mark.parametrize("words", [b"\r\n", b"HT", b"null", WHOLE_ANSWER], ids=repr)
@pytest.mark.usefixtures("kept_for_long")
async def test_an_idle_connection_that_speaks_is_dropped(opener: Opener, clock: ManualClock, words: bytes) -> None:
    """Nobody asked it anything; the next answer over it might be a word late for ever."""
    assert (500, 2) == await after_idle_words(opener, clock, words)


@pytest.mark.usefixtures("kept_for_long")
def test_an_idle_connection_that_speaks_is_dropped_on_uvloop_too(opener: Opener, clock: ManualClock) -> None:
    """The program runs on it, and its transports are others."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert (500, 2) == runner.run(after_idle_words(opener, clock, WHOLE_ANSWER))


async def test_an_idle_connection_is_not_kept_for_ever(
    opener: Opener, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers and firewalls forget idle connections, mostly without a word; so we close them first."""
    monkeypatch.setattr("relay.targets.exchange.KEEPALIVE_S", 0.01)
    assert (500, 2) == await after_idle_words(opener, clock, b"")


async def test_a_kept_connection_that_ends_after_an_interim_answer_is_not_replaced(
    opener: Opener, clock: ManualClock
) -> None:
    """The target had begun its work: the schedule decides when it is sent again."""
    begins = writes(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    async with receiving(says(), begins) as receiver, opened(opener(clock, receiver.url)) as sender:
        await sender.send(a_delivery())
        attempt = await sender.send(a_delivery())

    assert (Outcome.UNREACHABLE, 2) == (attempt.outcome, len(receiver.requests))


async def test_no_more_connections_are_open_than_the_target_allows(opener: Opener, clock: ManualClock) -> None:
    """`concurrency` is a promise to the target: what is over waits for a connection, within its deadline."""
    async with (
        receiving(says()) as receiver,
        opened(opener(clock, receiver.url, concurrency=2)) as sender,
    ):
        attempts = await asyncio.gather(*(sender.send(a_delivery()) for _ in range(10)))

    assert [Outcome.ACCEPTED] * 10 == [attempt.outcome for attempt in attempts]
    assert 2 == receiver.connections


async def test_waiting_for_a_connection_counts_towards_the_deadline(opener: Opener, clock: ManualClock) -> None:
    """Nothing that an attempt waits for is without an end."""
    async with (
        receiving(hangs) as receiver,
        opened(opener(clock, receiver.url, concurrency=1, timeout_s=TIMEOUT_S)) as sender,
    ):
        attempts = await asyncio.gather(sender.send(a_delivery()), sender.send(a_delivery()))

    assert [Outcome.TIMED_OUT] * 2 == [attempt.outcome for attempt in attempts]


# Large bodies


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def conversing(*conversations: Conversation) -> AsyncIterator[str]:
    """Run a server that reads and writes as it is told, one conversation a connection; yield its URL."""
    following = iter(conversations)
    tasks: list[asyncio.Task[None]] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        await next(following)(reader, writer)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.gather(*tasks)


async def bytes_to_the_end(reader: asyncio.StreamReader) -> int:
    """Count what comes until the connection ends, in whatever way."""
    count = 0
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 20):
            count += len(piece)
    return count


async def reads_and_agrees(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request with LARGE, and answer 200."""
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(len(LARGE))
    await says()(writer)


async def test_a_target_that_says_no_early_is_sent_no_more(opener: Opener, clock: ManualClock) -> None:
    """A 413 comes after the head; it is no time-out, and 20 MB would go for nothing."""
    is_judged, taken = asyncio.Event(), 0

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        await says("413 Content Too Large", body=b"no")(writer)
        await is_judged.wait()
        taken = await bytes_to_the_end(reader)

    async with conversing(refuses, reads_and_agrees) as url, opened(opener(clock, url)) as sender:
        attempt = await sender.send(a_delivery(an_event(body=LARGE)))
        is_judged.set()
        again = await sender.send(a_delivery(an_event(body=LARGE)))

    assert (Outcome.ERRORED, 413, b"no") == (attempt.outcome, attempt.status, attempt.excerpt)
    assert taken < len(LARGE)
    assert Outcome.ACCEPTED == again.outcome


async def test_a_target_that_says_yes_early_is_sent_the_rest(opener: Opener, clock: ManualClock) -> None:
    """It has said that it takes it: half of a body would be worse than none."""
    taken = 0

    async def agrees(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        await says()(writer)
        taken = await bytes_to_the_end(reader)

    async with conversing(agrees) as url:
        attempt = await send_once(opener(clock, url), a_delivery(an_event(body=LARGE)))

    assert (Outcome.ACCEPTED, len(LARGE)) == (attempt.outcome, taken)


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["timed out", "cancelled"])
async def test_half_a_request_ends_with_its_connection(opener: Opener, clock: ManualClock, is_cancelled: bool) -> None:
    """Closed in peace it would wait for ever for a target that does not read; kept, it would spoil the next request."""
    is_begun, is_over, taken = asyncio.Event(), asyncio.Event(), 0

    async def reads_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        is_begun.set()
        await is_over.wait()
        taken = await bytes_to_the_end(reader)

    async with conversing(reads_nothing, reads_and_agrees) as url:
        timeout_s = WAIT_S_MAX if is_cancelled else ENOUGH_S
        async with opened(opener(clock, url, timeout_s=timeout_s)) as sender:
            sending = asyncio.create_task(sender.send(a_delivery(an_event(body=LARGE))))
            await is_begun.wait()
            if is_cancelled:
                sending.cancel()
            (first,) = await asyncio.gather(sending, return_exceptions=True)
            is_over.set()
            again = await sender.send(a_delivery(an_event(body=LARGE)))

    assert (asyncio.CancelledError if is_cancelled else Attempt) is type(first)
    assert taken < len(LARGE)
    assert Outcome.ACCEPTED == again.outcome
