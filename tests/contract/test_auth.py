"""What every way to prove ourselves must hold to: what is sent, what is shown, when it is renewed. By real sockets."""

import asyncio
import hashlib
import hmac as digests
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.breaker import is_failure_of_target
from relay.domain import Attempt, Auth, Outcome, RetryPolicy, Secret
from relay.expressions import compile_expression
from relay.targets import auth as ways
from relay.targets.auth._tokens import expiry
from relay.targets.http import HttpSender
from tests.builders import an_event
from tests.conftest import ManualClock
from tests.receiver import Receiver, receiving, says
from tests.senders import a_delivery, an_http_sender, an_http_target, opened, send_once

SECRET = "s3cret/of ours&co"
FIXED: Mapping[str, tuple[Auth, str, str]] = {
    "bearer": (Auth("bearer", {"token": Secret(SECRET)}), "Authorization", f"Bearer {SECRET}"),
    "basic": (
        Auth("basic", {"user": Secret("us"), "password": Secret(SECRET)}),
        "Authorization",
        "Basic " + b64encode(f"us:{SECRET}".encode()).decode(),
    ),
    "header": (Auth("header", {"name": "X-Key", "value": Secret(SECRET)}), "X-Key", SECRET),
}


@dataclass
class Vendor:
    """A system with a login, as strict as its documentation: a token is known until it ends or is taken away."""

    clock: ManualClock
    server: TestServer = field(init=False)
    tokens: dict[str, float] = field(default_factory=dict)  # until when each holds, by the clock
    logins: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)  # authorization, status
    login_status: int = 200
    lifetime_s: float = 1800.0
    answer: Any = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def log_in(self, request: web.Request) -> web.Response:
        self.logins.append(request)
        self.bodies.append(await request.read())
        await self.gate.wait()
        if self.login_status != 200:
            return web.Response(status=self.login_status, headers={"Retry-After": "7"}, text=str(request.url))
        if self.answer is not None:
            return web.json_response(self.answer)
        token = f"token-number-{len(self.logins)}"
        self.tokens[token] = self.clock.monotonic() + self.lifetime_s
        told = {"access": token, "access_token": token, "expires_in": self.lifetime_s, "padding": "x" * 4000}
        return web.json_response(told)

    async def call(self, request: web.Request) -> web.Response:
        proof = request.headers.get("Authorization", "") + request.query.get("token", "")
        token = proof.removeprefix("Bearer ")
        status = 200 if self.tokens.get(token, -1.0) > self.clock.monotonic() else 401
        self.calls.append((proof, status))
        return web.Response(status=status, text=f"you called {request.url}")

    def url(self, path: str) -> str:
        return str(self.server.make_url(path))


@pytest.fixture
async def vendor(clock: ManualClock) -> AsyncIterator[Vendor]:
    vendor = Vendor(clock)
    vendor.gate.set()
    application = web.Application()
    application.router.add_route("*", "/login", vendor.log_in)
    application.router.add_route("*", "/invoices", vendor.call)
    vendor.server = TestServer(application)
    await vendor.server.start_server()
    yield vendor
    vendor.gate.set()
    await vendor.server.close()


def a_login(vendor: Vendor, **settings: Any) -> Auth:
    return Auth(
        "login",
        {
            "url": vendor.url("/login"),
            "token": compile_expression("access"),
            "place": ("header", "Authorization", Secret("Bearer {token}")),
            "body": Secret(json.dumps({"username": "us", "password": SECRET})),
            "content_type": "application/json",
            **settings,
        },
    )


def a_sender(vendor: Vendor, auth: Auth, **settings: Any) -> HttpSender:
    return HttpSender(an_http_target(vendor.url("/invoices"), auth=auth, **settings), vendor.clock)


def outcomes(attempts: list[Attempt]) -> set[tuple[Outcome, int | None]]:
    return {(attempt.outcome, attempt.status) for attempt in attempts}


# Every way


def test_every_way_is_tested_here() -> None:
    """A new module is a new row, or a story of its own."""
    assert {*FIXED, "query", "hmac", "login", "oauth2"} == set(ways.names())


@pytest.mark.parametrize("scheme", FIXED)
async def test_a_fixed_proof_is_one_header_of_every_request(clock: ManualClock, scheme: str) -> None:
    """It is worked out once; what the event came with under the same name is not passed."""
    auth, name, value = FIXED[scheme]
    async with receiving(says()) as receiver:
        await send_once(an_http_sender(clock, receiver.url, auth=auth, pass_headers=(name,)), a_delivery())

    assert value == receiver.requests[0].value(name)


async def test_a_secret_in_the_query_is_encoded_and_added_to_the_urls_own(clock: ManualClock) -> None:
    """Whatever signs it has, it stays one parameter."""
    async with receiving(says()) as receiver:
        sender = an_http_sender(clock, receiver.url + "?a=1", auth=a_query())
        await send_once(sender)

    assert b"POST /hooks?a=1&key=s3cret%2Fof%20ours%26co HTTP/1.1" == receiver.requests[0].line


def a_query() -> Auth:
    return Auth("query", {"name": "key", "value": Secret(SECRET)})


@pytest.mark.parametrize("auth", [*(auth for auth, _, _ in FIXED.values()), a_query()], ids=lambda auth: auth.scheme)
@pytest.mark.parametrize("form", ["{}", "…?key={}", "/hooks?a=1&key=s3cret%2Fof%20ours%26co", "x" * 1015 + "{}"])
async def test_what_a_target_repeats_of_a_secret_is_not_kept(clock: ManualClock, auth: Auth, form: str) -> None:
    """Many servers put the URL into their error page; the beginning of an answer is stored, and shown."""
    body = form.replace("{}", SECRET).encode()
    async with receiving(says("500 No", body=body)) as receiver:
        attempt = await send_once(an_http_sender(clock, receiver.url, auth=auth))

    told = f"{attempt.detail} {attempt.excerpt.decode(errors='replace')} {auth!r}"
    assert "s3cret" not in told
    assert "***" in told


@pytest.mark.parametrize("signed", ["{body}", "{timestamp}.{body}", "{id}.{timestamp}.{body}", "{method}{url}{body}"])
@pytest.mark.parametrize("size", [2, 300_000])
async def test_hmac_signs_what_is_really_sent(clock: ManualClock, signed: str, size: int) -> None:
    """Any form that a source of ours could verify; the id is the event's, at every attempt."""
    settings = {"header": "X-S", "prefix": "v1=", "secrets": (Secret("k" * 16),), "signed": signed}
    if "timestamp" in signed:
        settings["timestamp_header"] = "X-T"
    if "{id}" in signed:
        settings["id_header"] = "X-I"
    event = an_event(body=b"x" * size)
    async with receiving(says()) as receiver:
        await send_once(an_http_sender(clock, receiver.url + "?a=1", auth=Auth("hmac", settings)), a_delivery(event))
    request = receiver.requests[0]

    parts = {"{timestamp}": "1782907200", "{id}": event.id, "{method}": "POST", "{url}": receiver.url + "?a=1"}
    covered = signed
    for mark, text in parts.items():
        covered = covered.replace(mark, text)
    whole = covered.removesuffix("{body}").encode() + event.body
    assert "v1=" + digests.new(b"k" * 16, whole, hashlib.sha256).hexdigest() == request.value("X-S")
    assert ("id_header" not in settings) or event.id == request.value("X-I")


# Logging in


async def test_one_login_serves_all_who_wait(vendor: Vendor) -> None:
    """Eight deliveries at once are one login; its token, longer than an excerpt's KiB away, serves the next, too."""
    vendor.gate.clear()
    async with opened(a_sender(vendor, a_login(vendor))) as sender:
        sending = [asyncio.create_task(sender.send(a_delivery())) for _ in range(8)]
        while not vendor.logins:
            await asyncio.sleep(0)
        vendor.gate.set()
        attempts = [*await asyncio.gather(*sending), await sender.send(a_delivery())]

    assert {(Outcome.ACCEPTED, 200)} == outcomes(attempts)
    assert 1 == len(vendor.logins)
    assert "application/json" == vendor.logins[0].headers["Content-Type"]
    assert {"username": "us", "password": SECRET} == json.loads(vendor.bodies[0])


@pytest.mark.parametrize(
    "settings", [{"lifetime": timedelta(minutes=30)}, {"expires": compile_expression("expires_in")}]
)
async def test_a_token_is_renewed_ahead_of_its_end(vendor: Vendor, settings: dict[str, Any]) -> None:
    """FactPulse's lives for 30 minutes: no delivery meets its end."""
    async with opened(a_sender(vendor, a_login(vendor, **settings))) as sender:
        await sender.send(a_delivery())
        vendor.clock.advance(28.9 * 60)
        await sender.send(a_delivery())
        vendor.clock.advance(0.2 * 60)
        await sender.send(a_delivery())

    assert [200, 200, 200] == [status for _, status in vendor.calls]
    assert 2 == len(vendor.logins)


async def test_a_refused_token_is_renewed_within_the_attempt(vendor: Vendor) -> None:
    """Somebody ended the session: the delivery is sent again at once, and has used up one attempt."""
    async with opened(a_sender(vendor, a_login(vendor))) as sender:
        await sender.send(a_delivery())
        vendor.tokens.clear()
        attempt = await sender.send(a_delivery(attempt=4))

    assert (Outcome.ACCEPTED, 4) == (attempt.outcome, attempt.number)
    assert [200, 401, 200] == [status for _, status in vendor.calls]


async def test_many_refusals_of_one_token_are_one_login(vendor: Vendor) -> None:
    """What was renewed meanwhile is not thrown away by who comes late with the old one."""
    async with opened(a_sender(vendor, a_login(vendor))) as sender:
        await sender.send(a_delivery())
        vendor.tokens.clear()
        attempts = await asyncio.gather(*(sender.send(a_delivery()) for _ in range(8)))

    assert {(Outcome.ACCEPTED, 200)} == outcomes(list(attempts))
    assert 2 == len(vendor.logins)


async def test_a_target_that_refuses_a_new_token_is_asked_once_more_only(vendor: Vendor) -> None:
    """Then something else is wrong, and the schedule decides."""
    vendor.lifetime_s = -1
    attempt = await send_once(a_sender(vendor, a_login(vendor)))

    assert (Outcome.ERRORED, 401) == (attempt.outcome, attempt.status)
    assert (2, 2) == (len(vendor.logins), len(vendor.calls))


@pytest.mark.parametrize(
    ("status", "outcome", "told", "wait_s"),
    [
        (401, Outcome.UNREACHABLE, "logging in: answered 401", None),
        (302, Outcome.UNREACHABLE, "logging in: answered 302", None),
        (500, Outcome.UNREACHABLE, "logging in: answered 500", None),
        (429, Outcome.BUSY, "logging in: answered 429", 7.0),
    ],
)
async def test_a_login_that_fails_is_the_targets_failure(
    vendor: Vendor, status: int, outcome: Outcome, told: str, wait_s: float | None
) -> None:
    """It counts for the breaker, so that wrong credentials do not knock until the account is locked."""
    vendor.login_status = status
    query = {"password": Secret(SECRET)}
    attempt = await send_once(a_sender(vendor, a_login(vendor, query=query), retry=RetryPolicy(final=frozenset({401}))))

    assert (outcome, told, wait_s) == (attempt.outcome, attempt.detail, attempt.retry_after_s)
    assert is_failure_of_target(attempt)
    assert b"" == attempt.excerpt
    assert [] == vendor.calls


@pytest.mark.parametrize("answer", [{}, {"access": None}, {"access": ""}, {"access": 5}, {"access": "a\r\nb"}, [], "x"])
async def test_an_answer_without_a_token_is_told_by_where_it_was_looked_for(vendor: Vendor, answer: Any) -> None:
    """What stands there instead may be a secret."""
    vendor.answer = answer
    attempt = await send_once(a_sender(vendor, a_login(vendor)))

    assert (Outcome.UNREACHABLE, "logging in: no token stands at access of the answer") == (
        attempt.outcome,
        attempt.detail,
    )


async def test_a_login_goes_through_the_same_guard(clock: ManualClock) -> None:
    """The address of a login is another line of the file, and may lead as far astray."""
    async with receiving(says()) as receiver:
        auth = Auth("bearer", {"token": Secret("t")})
        private = await send_once(an_http_sender(clock, receiver.url, auth=auth, allow_private=False))
        login = a_login_at(receiver)
        refused = await send_once(an_http_sender(clock, "http://example.invalid/", auth=login, allow_private=False))

    assert [Outcome.BLOCKED, Outcome.BLOCKED] == [private.outcome, refused.outcome]
    assert refused.detail.startswith(f"logging in at 127.0.0.1:{receiver.port}: ")
    assert [] == receiver.requests


def a_login_at(receiver: Receiver) -> Auth:
    place = ("header", "Authorization", Secret("Bearer {token}"))
    return Auth("login", {"url": receiver.url, "token": compile_expression("access"), "place": place})


async def test_a_login_that_hangs_ends_with_the_attempt(vendor: Vendor) -> None:
    """One deadline covers the login, too; and closing leaves nothing under way."""
    vendor.gate.clear()
    attempt = await send_once(a_sender(vendor, a_login(vendor), timeout_s=0.15))

    assert Outcome.TIMED_OUT == attempt.outcome
    assert "logging in" in attempt.detail


async def test_a_renewal_that_fails_leaves_a_token_that_still_holds(vendor: Vendor) -> None:
    """The login is down for a minute; nobody notices."""
    async with opened(a_sender(vendor, a_login(vendor, lifetime=timedelta(minutes=30)))) as sender:
        await sender.send(a_delivery())
        vendor.clock.advance(29.5 * 60)
        vendor.login_status = 500
        attempts = [await sender.send(a_delivery()), await sender.send(a_delivery())]
        vendor.clock.advance(60)
        late = await sender.send(a_delivery())

    assert {(Outcome.ACCEPTED, 200)} == outcomes(attempts)
    assert (Outcome.UNREACHABLE, 3) == (late.outcome, len(vendor.logins))


@pytest.mark.parametrize(
    ("place", "proof"),
    [
        (("header", "Authorization", Secret('Token token="{token}"')), 'Token token="token-number-1"'),
        (("basic", "", Secret("0:{token}")), "Basic " + b64encode(b"0:token-number-1").decode()),
        (("query", "token", Secret("{token}")), "token-number-1"),
    ],
)
async def test_a_token_goes_where_the_target_wants_it(
    vendor: Vendor, place: tuple[str, str, Secret], proof: str
) -> None:
    """Siwapp's, Tripletex's and ToSend's ways; where the vendor refuses it, its answer is kept without it."""
    attempt = await send_once(a_sender(vendor, a_login(vendor, place=place)))

    assert proof == vendor.calls[0][0]
    assert b"token-number" not in attempt.excerpt


async def test_days_are_filled_into_a_login(vendor: Vendor) -> None:
    """Tripletex wants to be told on which day a session ends."""
    query = {"expirationDate": Secret("{today+2d}"), "token": Secret("a&b")}
    await send_once(a_sender(vendor, a_login(vendor, query=query, method="PUT")))

    assert ("PUT", {"expirationDate": "2026-07-03", "token": "a&b"}) == (
        vendor.logins[0].method,
        dict(vendor.logins[0].query),
    )


@pytest.mark.parametrize("client_auth", ["basic", "body"])
async def test_oauth2_asks_as_the_standard_says(vendor: Vendor, client_auth: str) -> None:
    """RFC 6749, 4.4 and 2.3.1: a form, and the client's id and secret encoded before they are joined."""
    auth = Auth(
        "oauth2",
        {
            "token_url": vendor.url("/login"),
            "client_id": Secret("us:er"),
            "client_secret": Secret(SECRET),
            "client_auth": client_auth,
            "scope": "invoices:write",
            "audience": "erp",
        },
    )
    async with opened(a_sender(vendor, auth)) as sender:
        first = await sender.send(a_delivery())
        vendor.clock.advance(1741)
        await sender.send(a_delivery())
    form = {name: value for name, (value,) in parse_qs(vendor.bodies[0].decode()).items()}

    assert Outcome.ACCEPTED == first.outcome
    assert 2 == len(vendor.logins)
    expected = {"grant_type": "client_credentials", "scope": "invoices:write", "audience": "erp"}
    if client_auth == "body":
        assert {**expected, "client_id": "us:er", "client_secret": SECRET} == form
    else:
        pair = f"{quote_plus('us:er')}:{quote_plus(SECRET)}"
        assert "Basic " + b64encode(pair.encode()).decode() == vendor.logins[0].headers["Authorization"]
        assert expected == form


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(60, 60), ("60", 60), (1782907260, 60), (1782907260000, 60), ("2026-07-01T12:01:00Z", 60), ("2026-07-02", 43200)],
)
async def test_an_end_is_read_as_vendors_write_it(vendor: Vendor, value: object, seconds: int) -> None:
    """Seconds from now, a time since 1970, ISO 8601."""
    now = vendor.clock.now()
    assert now + timedelta(seconds=seconds) == expiry(value, None, now)
