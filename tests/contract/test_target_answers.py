"""What every kind of target that speaks HTTP must hold to: what it sends, what an answer means, whom it never calls.

By real sockets. A new kind is a new row in `tests.senders`.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest
import uvloop
from standardwebhooks import Webhook

from relay.domain import Attempt, Outcome, RetryPolicy, Secret
from relay.targets.exchange import ANSWER_BYTES_MAX, EXCERPT_BYTES
from relay.targets.headers import HOPS_MAX
from relay.targets.protocol import Sender
from tests.builders import an_event
from tests.conftest import START, ManualClock
from tests.receiver import closes, hangs, receiving, resets, says, writes
from tests.senders import ENOUGH_S, SENDERS, TIMEOUT_S, Opener, a_delivery, an_http_sender, opened, send_once

EVERY_BYTE = bytes(range(256))


@pytest.fixture(params=SENDERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    return SENDERS[request.param]


# What is sent


async def test_a_delivery_that_is_answered_2xx_is_accepted(opener: Opener, clock: ManualClock) -> None:
    """The attempt tells what is needed later: its number, its time, the status, the answer's beginning."""
    async with receiving(says("202 Accepted", body=b"thank you")) as receiver:
        attempt = await send_once(opener(clock, receiver.url), a_delivery(attempt=3))

    assert Attempt(3, START, 0.0, Outcome.ACCEPTED, 202, "", b"thank you") == attempt


@pytest.mark.parametrize("body", [b"", EVERY_BYTE, b"\xef\xbb\xbf{}\r\n", EVERY_BYTE * 12_000], ids=len)
async def test_bodies_arrive_byte_for_byte(opener: Opener, clock: ManualClock, body: bytes) -> None:
    """Bytes are sacred: signatures further down the line are made over them. Large ones go out in pieces."""
    async with receiving(says()) as receiver:
        await send_once(opener(clock, receiver.url), a_delivery(an_event(body=body)))

    assert body == receiver.requests[0].body


async def test_the_headers_are_exactly_the_promised_ones(opener: Opener, clock: ManualClock) -> None:
    """Nothing is added that a reader of the contract would not expect: no Accept, no cookies, no encodings."""
    event = an_event()
    async with receiving(says()) as receiver:
        await send_once(opener(clock, receiver.url + "?key=1"), a_delivery(event, attempt=2))

    assert b"POST /hooks?key=1 HTTP/1.1" == receiver.requests[0].line
    assert [
        ("Content-Length", b"2"),
        ("Content-Type", b"application/json"),
        ("Host", f"127.0.0.1:{receiver.port}".encode()),
        ("User-Agent", f"relay/{version('callback-relay')}".encode()),
        ("X-Relay-Attempt", b"2"),
        ("X-Relay-Hops", b"1"),
        ("X-Relay-Source", b"shop"),
        ("X-Relay-Type", b"order.paid"),
        ("webhook-id", event.id.encode()),
        ("webhook-timestamp", str(int(START.timestamp())).encode()),
    ] == sorted(receiver.requests[0].headers)


@pytest.mark.parametrize(("hops", "sent"), [("", "1"), ("3", "4"), ("x", "1"), ("-1", "1"), ("9" * 5000, "1")])
async def test_relays_are_counted(opener: Opener, clock: ManualClock, hops: str, sent: str) -> None:
    """Each adds one to what the last one said; what is no number is nobody's."""
    event = replace(an_event(), headers=(("x-relay-hops", hops),))
    async with receiving(says()) as receiver:
        await send_once(opener(clock, receiver.url), a_delivery(event))

    assert [sent.encode()] == receiver.requests[0].values("X-Relay-Hops")


@pytest.mark.parametrize("hops", [HOPS_MAX, 999])
async def test_an_event_that_goes_in_a_circle_is_stopped(opener: Opener, clock: ManualClock, hops: int) -> None:
    """A route that leads back to ourselves, or two relays that hand on to each other, would else do so for ever."""
    event = replace(an_event(), headers=(("X-Relay-Hops", str(hops)),))
    async with receiving(says()) as receiver:
        attempt = await send_once(opener(clock, receiver.url), a_delivery(event))

    assert Outcome.BLOCKED == attempt.outcome
    assert "nothing was sent: the event has been through 8 relays, so their routes make a circle" == attempt.detail
    assert [] == receiver.requests


async def test_a_user_in_the_url_is_sent_as_basic_and_not_in_the_path(opener: Opener, clock: ManualClock) -> None:
    """As every HTTP client has it; the rest of the URL goes out as it was written."""
    async with receiving(says()) as receiver:
        await send_once(opener(clock, f"http://us%20er:p%2Fw@127.0.0.1:{receiver.port}/a%7Eb?x=%2F#part"))
    request = receiver.requests[0]

    assert (b"POST /a%7Eb?x=%2F HTTP/1.1", "Basic dXMgZXI6cC93") == (request.line, request.value("Authorization"))


async def test_an_event_without_a_content_type_is_given_none(opener: Opener, clock: ManualClock) -> None:
    """What a sender did not say is not made up on the way."""
    async with receiving(says()) as receiver:
        await send_once(opener(clock, receiver.url), a_delivery(replace(an_event(), headers=())))

    assert [] == receiver.requests[0].values("Content-Type")


@pytest.mark.parametrize("body", [b'{"n": 1}', b'{"n": "%s"}' % (b"1" * 300_000)], ids=["small", "large"])
async def test_each_secret_signs_as_standard_webhooks_wants_it(opener: Opener, clock: ManualClock, body: bytes) -> None:
    """While a target rotates its secret, either one must verify: the standard's own library signs alike."""
    keys, event = (b"n" * 32, b"o" * 24), an_event(body=body)
    async with receiving(says()) as receiver:
        sender = opener(clock, receiver.url, sign_secrets=tuple(map(Secret, keys)))
        await send_once(sender, a_delivery(event))

    expected = " ".join(Webhook(key).sign(event.id, START, body.decode()) for key in keys)
    assert expected == receiver.requests[0].value("webhook-signature")


async def test_a_header_that_http_cannot_carry_is_never_sent(opener: Opener, clock: ManualClock) -> None:
    """A line break in a value would let whoever wrote it add headers, or a whole request, of their own."""
    event = replace(an_event(), type="paid\r\nX-Admin: 1")
    async with receiving(says()) as receiver:
        attempt = await send_once(opener(clock, receiver.url), a_delivery(event))

    assert (Outcome.ERRORED, None) == (attempt.outcome, attempt.status)
    assert "nothing was sent: header X-Relay-Type holds a character that HTTP cannot carry" == attempt.detail
    assert [] == receiver.requests


async def test_cookies_are_not_kept_and_proxies_not_asked(
    opener: Opener, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery carries nothing from one to the next, and goes nowhere that the file does not name."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with (
        receiving(says("200 OK", "Set-Cookie: a=b")) as receiver,
        opened(opener(clock, f"http://localhost:{receiver.port}/")) as sender,
    ):
        await sender.send(a_delivery())
        await sender.send(a_delivery())

    assert [[], []] == [request.values("Cookie") for request in receiver.requests]


# What an answer means


async def test_a_status_named_final_is_rejected(opener: Opener, clock: ManualClock) -> None:
    """410 from a target that says so means that no later try can help."""
    async with receiving(says("410 Gone")) as receiver:
        attempt = await send_once(opener(clock, receiver.url, retry=RetryPolicy(final=frozenset({410}))))

    assert (Outcome.REJECTED, 410, "answered 410") == (attempt.outcome, attempt.status, attempt.detail)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("header", "wait_s"),
    [("Retry-After: 120", 120.0), ("Retry-After: Wed, 01 Jul 2026 12:02:00 GMT", 120.0), ("Retry-After: soon", None)],
)
async def test_a_busy_target_says_how_long(
    opener: Opener, clock: ManualClock, status: str, header: str, wait_s: float | None
) -> None:
    """Retry-After comes in two forms; one that cannot be read is as none."""
    async with receiving(says(status, header)) as receiver:
        attempt = await send_once(opener(clock, receiver.url))

    assert (Outcome.BUSY, wait_s) == (attempt.outcome, attempt.retry_after_s)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [(["X-Rate-Limit-Reset: 7"], 7.0), (["X-Rate-Limit-Reset: 7", "Retry-After: 5"], 5.0), (["X-Other: 7"], None)],
)
async def test_a_busy_target_may_say_how_long_in_a_header_of_its_own(
    opener: Opener, clock: ManualClock, headers: list[str], wait_s: float | None
) -> None:
    """Tripletex and others have their own; the standard's comes first."""
    async with receiving(says("429 Too Many Requests", *headers)) as receiver:
        attempt = await send_once(opener(clock, receiver.url, retry=RetryPolicy(wait_header="X-Rate-Limit-Reset")))

    assert wait_s == attempt.retry_after_s


@pytest.mark.parametrize("status", [304, 400, 401, 404, 500, 599])
async def test_any_other_status_is_an_error(opener: Opener, clock: ManualClock, status: int) -> None:
    """Only 2xx says that the target has it."""
    async with receiving(says(f"{status} X")) as receiver:
        attempt = await send_once(opener(clock, receiver.url))

    assert (Outcome.ERRORED, status, f"answered {status}") == (attempt.outcome, attempt.status, attempt.detail)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_neither_followed_nor_a_success(opener: Opener, clock: ManualClock, status: int) -> None:
    """It would lead past the guard, and mostly says that the address in the file is wrong."""
    async with receiving(says(f"{status} X", "Location: /elsewhere")) as receiver:
        attempt = await send_once(opener(clock, receiver.url))

    assert (Outcome.ERRORED, status) == (attempt.outcome, attempt.status)
    assert f"answered {status}: redirects are not followed" == attempt.detail
    assert 1 == len(receiver.requests)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (writes(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "the body of the answer broke off"),
        (says(body=b"abc", declared=10), "the body of the answer did not end in time"),
        (writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz"), "the rest of the answer is not HTTP"),
        (writes(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{}"), "the rest of the answer is not HTTP"),
        (writes(b"HTTP/1.1 204 No Content\r\n\r\nnull"), "the rest of the answer is not HTTP"),
    ],
    ids=["cut", "hanging", "bad chunks", "longer than declared", "204 with a body"],
)
async def test_a_2xx_whose_body_breaks_is_still_accepted(
    opener: Opener, clock: ManualClock, answer: Any, detail: str
) -> None:
    """The target has said that it has it; to send it again would be for nothing."""
    async with receiving(answer) as receiver:
        attempt = await send_once(opener(clock, receiver.url, timeout_s=ENOUGH_S))

    assert (Outcome.ACCEPTED, detail) == (attempt.outcome, attempt.detail)


async def test_a_final_status_whose_body_hangs_is_rejected(opener: Opener, clock: ManualClock) -> None:
    """The head alone decides, whatever becomes of the body."""
    async with receiving(says("410 Gone", body=b"abc", declared=10)) as receiver:
        sender = opener(clock, receiver.url, timeout_s=ENOUGH_S, retry=RetryPolicy(final=frozenset({410})))
        attempt = await send_once(sender)

    assert (Outcome.REJECTED, b"abc") == (attempt.outcome, attempt.excerpt)
    assert "answered 410; the body of the answer did not end in time" == attempt.detail


async def test_an_endless_answer_is_left_unread(opener: Opener, clock: ManualClock) -> None:
    """A target must not fill our memory or hold our time; its connection is dropped, not drained."""
    written = 0

    async def pours(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"a" * ANSWER_BYTES_MAX)
            written += ANSWER_BYTES_MAX
            await writer.drain()

    async with receiving(pours) as receiver, opened(opener(clock, receiver.url)) as sender:
        attempt = await sender.send(a_delivery())
        await sender.send(a_delivery())

    assert (Outcome.ACCEPTED, b"a" * EXCERPT_BYTES) == (attempt.outcome, attempt.excerpt)
    assert 2 == receiver.connections
    assert written < 64 * 1024 * 1024  # what the kernel's buffers took


async def test_an_answer_is_not_inflated(opener: Opener, clock: ManualClock) -> None:
    """A few compressed KiB can be a GiB: the excerpt is what was on the wire."""
    bomb = gzip.compress(bytes(10_000_000))
    async with receiving(says("200 OK", "Content-Encoding: gzip", body=bomb)) as receiver:
        attempt = await send_once(opener(clock, receiver.url))

    assert (Outcome.ACCEPTED, bomb[:EXCERPT_BYTES]) == (attempt.outcome, attempt.excerpt)


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000], ids=["not HTTP", "endless header"]
)
async def test_who_answers_no_http_is_not_the_target(opener: Opener, clock: ManualClock, raw: bytes) -> None:
    """A wrong port is found by such an answer: it must say so, not raise, and count against the target."""
    async with receiving(writes(raw)) as receiver:
        attempt = await send_once(opener(clock, receiver.url))

    assert (Outcome.UNREACHABLE, None) == (attempt.outcome, attempt.status)
    assert f"127.0.0.1:{receiver.port}: what it answered is not HTTP" == attempt.detail


# The guard


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "１２７.0.0.1"]
)
async def test_loopback_is_called_only_where_it_is_allowed(opener: Opener, clock: ManualClock, host: str) -> None:
    """On by default, whatever the notation; the detail says which setting opens it."""
    async with receiving(says()) as receiver:
        url = f"http://{host}:{receiver.port}/"
        blocked = await send_once(opener(clock, url, allow_private=False))
        allowed = await send_once(opener(clock, url, allow_private=True))
        named = await send_once(opener(clock, url, allow_private=False, allow_networks=("127.0.0.0/8",)))

    assert [Outcome.BLOCKED, Outcome.ACCEPTED, Outcome.ACCEPTED] == [blocked.outcome, allowed.outcome, named.outcome]
    assert "127.0.0.1 leads into 127.0.0.0/8 (loopback; RFC 1122)" in blocked.detail
    assert "`allow_private`" in blocked.detail
    assert 2 == len(receiver.requests)


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "2852039166"])
async def test_metadata_services_are_never_called(opener: Opener, clock: ManualClock, host: str) -> None:
    """They hand out a machine's credentials to whoever asks from it: no setting opens them."""
    sender = opener(clock, f"http://{host}/", allow_networks=("0.0.0.0/0", "::/0"))

    assert Outcome.BLOCKED == (await send_once(sender)).outcome


@pytest.mark.parametrize("url", ["http://localhost:{}/", "http://127.0.0.1:{}/", "http://[::ffff:127.0.0.1]:{}/"])
def test_the_guard_holds_on_uvloop_too(clock: ManualClock, url: str) -> None:
    """The program runs on it, and its way to a socket is another."""

    async def outcomes() -> list[Outcome]:
        async with receiving(says()) as receiver:
            called = url.format(receiver.port)
            senders = (an_http_sender(clock, called, allow_private=allowed) for allowed in (False, True))
            return [(await send_once(sender)).outcome for sender in senders]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert [Outcome.BLOCKED, Outcome.ACCEPTED] == runner.run(outcomes())


# Secrets


async def every_failure(opener: Opener, clock: ManualClock, **settings: Any) -> AsyncIterator[Attempt]:
    """Yield an attempt of each way to fail, with secrets wherever a target can hold some."""

    def sender(place: str) -> Sender:
        return opener(clock, f"http://us3r:pa55@{place}/p?key=qu3ry", timeout_s=TIMEOUT_S, **settings)

    for answer in (hangs, closes, resets, writes(b"not HTTP"), says("500 Oops"), says("302 X", "Location: /")):
        async with receiving(answer) as receiver:
            yield await send_once(sender(f"127.0.0.1:{receiver.port}"))
    for place in ("nowhere.invalid", "169.254.169.254", "127.0.0.1:1"):
        yield await send_once(sender(place))


async def test_no_secret_stands_in_an_attempt_or_a_sender(opener: Opener, clock: ManualClock) -> None:
    """Details are logged, stored and shown: no user part, no query, no header's value in any of them."""
    settings = {"headers": {"X-Key": Secret("h3ader")}, "sign_secrets": (Secret(b"s1gn"),)}
    told = [repr(attempt) async for attempt in every_failure(opener, clock, **settings)]
    told.append(repr(opener(clock, "http://us3r:pa55@erp.example/?key=qu3ry", **settings)))
    told.append((await send_once(opener(clock, "http://erp.example", headers={"X-Key": Secret("h3ader\n")}))).detail)

    for secret in ("us3r", "pa55", "qu3ry", "h3ader", "s1gn"):
        assert [] == [text for text in told if secret in text]
