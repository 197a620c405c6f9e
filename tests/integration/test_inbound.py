"""The public door, over real sockets and a real store: what each request is answered, and what is stored of it."""

import asyncio
import gzip
import hmac
from ipaddress import IPv4Network, ip_network

import pytest

from relay.domain import Secret
from relay.store.protocol import LaneState
from relay.verification.hmac import HmacVerifier
from tests.integration.door import BOUNDS, SECRET, SOURCES, Door, a_source

CHUNK = b"32\r\n" + b"x" * 50 + b"\r\n"


async def test_an_accepted_event_is_on_disk_before_the_answer(door: Door) -> None:
    """Promise 1, as a sender sees it: exactly 200, and an id by which to ask."""
    status, told = await door.send("shop", b"\x00 any bytes")

    assert (200, "accepted") == (status, told["status"])
    record = await door.store.event(str(told["id"]))
    assert record is not None
    assert b"\x00 any bytes" == record.event.body
    assert ["erp"] == [delivery.target for delivery in record.deliveries]


async def test_a_repeat_is_told_the_first_ones_id(door: Door) -> None:
    """The sender whose answer was lost learns the same id again."""
    _, first = await door.send("shop")
    status, again = await door.send("shop")

    assert (200, {"status": "duplicate", "id": first["id"]}) == (status, again)
    assert 1 == await door.stored()


async def test_a_source_may_choose_its_answer(door: Door) -> None:
    """Some vendors want 201 or 202; `respond.status` says so."""
    status, _ = await door.send("created")
    assert 201 == status


async def test_a_vendor_that_bears_no_body_is_told_none(door: Door) -> None:
    """`respond.body: none`: a 200, a 401 and a 429 are told by their status alone; the event is stored as any other."""
    body = b"{}"
    genuine, forged = hmac.digest(SECRET.encode(), body, "sha256").hex(), "0" * 64
    told = []
    for signature in (genuine, forged, genuine, genuine):
        async with door.http.post(f"{door.url}/in/silent", data=body, headers={"X-Signature": signature}) as answer:
            told.append((answer.status, await answer.read(), "Retry-After" in answer.headers))

    assert [(200, b"", False), (401, b"", False), (200, b"", False), (429, b"", True)] == told
    assert 1 == await door.stored()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Signature": ""},
        {"X-Signature": "0" * 64},
        {"X-Signature": "0" * 63},
        {"X-Signature": "sha256=" + "0" * 64},
        {"X-Signature": "caf\u00e9"},
        {},
    ],
)
async def test_what_is_not_proven_is_refused_with_no_hint_and_no_trace(door: Door, headers: dict[str, str]) -> None:
    """A forger learns one thing only: that it was refused."""
    status, told = await door.post("/in/shop", b"{}", headers)

    assert 401 == status
    assert "The request is not proven to come from this source." == told["detail"]
    assert "application/problem+json" == door.last_headers["Content-Type"]
    assert 0 == await door.stored()


async def test_a_flipped_bit_is_refused(door: Door) -> None:
    """The signature is over the bytes as sent."""
    body = b'{"amount":100}'
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()

    status, _ = await door.post("/in/shop", b'{"amount":900}', {"X-Signature": signature})
    assert 401 == status


async def test_two_signature_headers_are_refused(door: Door) -> None:
    """A proxy and we might each look at another one."""
    good = hmac.digest(SECRET.encode(), b"{}", "sha256").hex()
    async with door.http.post(
        door.url + "/in/shop", data=b"{}", headers=[("X-Signature", good), ("X-Signature", good)]
    ) as answer:
        assert 401 == answer.status


async def test_a_forged_request_does_not_burn_a_genuine_id(door: Door) -> None:
    """Dedupe comes after verification."""
    await door.send("keyed", b'{"kind":"a","id":7}', X_Signature="0" * 64)
    _, told = await door.send("keyed", b'{"kind":"a","id":7}')

    assert "accepted" == told["status"]


async def test_unknown_places_and_methods_are_told_plainly(door: Door) -> None:
    """404 where nothing is; 405 with Allow where another method would do."""
    assert 404 == (await door.post("/in/nobody", b"{}", {}))[0]
    assert 404 == (await door.post("/elsewhere", b"{}", {}))[0]
    assert 404 == (await door.post("/in/shop/a-token", b"{}", {}))[0]
    async with door.http.get(door.url + "/in/shop") as answer:
        assert (405, "POST") == (answer.status, answer.headers["Allow"])
    async with door.http.post(door.url + "/healthz") as answer:
        assert (405, "GET, HEAD") == (answer.status, answer.headers["Allow"])


@pytest.mark.parametrize("path", ["/in/collector/a-token-in-the-url", "/in/collector?token=a-token-in-the-url"])
async def test_a_token_may_stand_in_path_or_query(door: Door, path: str) -> None:
    """Invoice-Collector can be given nothing but a URL."""
    assert 200 == (await door.post(path, b"{}", {}))[0]
    assert 401 == (await door.post(path + "x", b"{}", {}))[0]
    assert 401 == (await door.post("/in/collector", b"{}", {}))[0]


async def test_a_body_that_is_too_large_is_refused_without_reading_it(door: Door) -> None:
    """413 by its declared length: the sender is not made to send the rest."""
    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /in/small HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\nonly this comes")

    assert b"HTTP/1.1 413" == (await reader.read(100))[:12]
    assert [("small", "too_large")] == door.journal.results
    writer.close()


async def test_a_body_without_a_length_is_counted_while_it_comes(door: Door) -> None:
    """413, never truncated: chunks are counted, the first too many ends it, though the last has yet to come."""
    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /in/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 3)

    async with asyncio.timeout(10):
        assert b"HTTP/1.1 413" == (await reader.read(100))[:12]
    writer.close()
    assert [("small", "too_large")] == door.journal.results
    assert 0 == await door.stored()


async def test_what_the_source_cannot_accept_is_a_400(door: Door) -> None:
    """Not JSON where it must be, or no key where one is named: the sender is told which."""
    assert 400 == (await door.send("keyed", b"not json"))[0]
    status, told = await door.send("keyed", b'{"kind":"a"}')
    assert (400, "The body lacks the fields by which this source's events are known.") == (status, told["detail"])
    assert 0 == await door.stored()


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"id": ' + b"9" * 1_000_0 + b"}", b"NaN", b'"\\ud800"', b"\xef\xbb\xbf{}", b"\xff", b""],
    ids=["brackets", "digits", "nan", "surrogate", "bom", "bytes", "nothing"],
)
async def test_no_body_makes_a_server_error(door: Door, body: bytes) -> None:
    """Whatever a stranger sends: 4xx where JSON is needed, and kept as it is where it is not."""
    assert 400 == (await door.send("keyed", body))[0]
    assert 200 == (await door.send("shop", body))[0]


async def test_more_than_the_limit_is_answered_429_until_there_is_room(door: Door) -> None:
    """One source's flood is bounded by its own limit; what is not proven uses up nothing of it."""
    for _ in range(5):
        await door.send("slow", b"forged", X_Signature="0" * 64)
    statuses = [(await door.send("slow", str(number).encode()))[0] for number in range(3)]

    assert [200, 200, 429] == statuses
    assert "30" == door.last_headers["Retry-After"]
    door.clock.advance(30)
    assert 200 == (await door.send("slow", b"later"))[0]


async def test_a_compressed_body_is_verified_and_kept_as_it_was_sent(door: Door) -> None:
    """One rule: the bytes as sent are what is signed, stored and forwarded; they are unpacked only to be read."""
    packed = gzip.compress(b'{"kind":"a","id":1}')
    _, told = await door.send("keyed", packed, Content_Encoding="gzip")

    record = await door.store.event(str(told["id"]))
    assert record is not None
    assert packed == record.event.body
    assert "a" == record.event.type


async def test_a_broken_or_bursting_archive_is_refused(door: Door) -> None:
    """Corrupt gzip: 400. One that unpacks beyond the bound: 413."""
    packed = gzip.compress(b"{}")
    assert 400 == (await door.send("shop", packed[:-4], Content_Encoding="gzip"))[0]
    bomb = gzip.compress(b" " * 10_000_000)
    assert 413 == (await door.send("keyed", bomb, Content_Encoding="gzip"))[0]


async def test_a_store_that_cannot_commit_is_a_503_and_recovers(door: Door) -> None:
    """Promise 1: never 4xx, never 200; the sender comes again and is then accepted as new."""
    async with door.storage.blocked():
        status, _ = await door.send("shop")
        assert (503, "5") == (status, door.last_headers["Retry-After"])
        async with door.http.get(door.url + "/readyz") as answer:
            assert 503 == answer.status
            assert not (await answer.json())["checks"]["store"]["ok"]

    _, told = await door.send("shop")
    assert "accepted" == told["status"]
    assert [("shop", "unavailable"), ("shop", "accepted")] == door.journal.results
    door.clock.advance(2)
    async with door.http.get(door.url + "/readyz") as answer:
        assert (200, "ready") == (answer.status, (await answer.json())["status"])


@pytest.mark.parametrize(("query", "meant"), [("traget=erp", "target"), ("sources=shop", "source")])
async def test_a_probe_of_one_thing_that_is_misspelt_is_refused(door: Door, query: str, meant: str) -> None:
    """Whoever watches one target would else be told of the whole, for ever; what nobody could mean does no harm."""
    async with door.http.get(f"{door.url}/readyz?{query}") as answer:
        assert (400, f"Unknown parameter; did you mean `{meant}`?") == (answer.status, (await answer.json())["detail"])
    async with door.http.get(f"{door.url}/readyz?_=1") as answer:
        assert 200 == answer.status


async def test_a_backlog_beyond_its_bound_is_a_503(door: Door) -> None:
    """Better a sender that tries again than a disk that fills up."""
    door.headroom.see({"erp": LaneState(unfinished=1000)}, disk_free=None)
    assert 503 == (await door.send("shop"))[0]

    door.headroom.see({"erp": LaneState(unfinished=999)}, disk_free=None)
    assert 200 == (await door.send("shop"))[0]


async def test_an_expression_that_fails_on_an_event_never_loses_it(door: Door) -> None:
    """The event is kept, the route is marked failed, counted and shown."""
    status, told = await door.send("choosy", b"{}")

    assert 200 == status
    record = await door.store.event(str(told["id"]))
    assert record is not None
    assert (("odd", "failed"),) == record.verdicts
    assert ("choosy", "route odd failed") in door.journal.results


async def test_a_sender_behind_a_trusted_proxy_is_known_by_its_own_address(door: Door) -> None:
    """X-Forwarded-For is read from its end: what stands before the first stranger may be invented."""
    assert 200 == (await door.post("/in/office", b"1", {"X-Forwarded-For": "203.0.113.7"}))[0]
    assert 200 == (await door.post("/in/office", b"2", {"X-Forwarded-For": "9.9.9.9, 203.0.113.7, 127.0.0.2"}))[0]
    assert 401 == (await door.post("/in/office", b"3", {"X-Forwarded-For": "203.0.113.7, 9.9.9.9"}))[0]
    assert 401 == (await door.post("/in/office", b"4", {}))[0]


@pytest.mark.parametrize("proxies", [[], [ip_network("198.51.100.0/24")]], ids=["no proxy", "another proxy"])
async def test_what_a_stranger_says_of_itself_and_of_us_is_not_believed(door: Door, proxies: list[IPv4Network]) -> None:
    """Whoever calls directly could else come from any address, and have signed any URL."""
    urls = a_source("it", verifiers=(HmacVerifier("X-Signature", (Secret(SECRET),), signed="{url}{body}"),))
    door.inbound.adopt({**SOURCES, "it": urls}, None, proxies, BOUNDS)
    claimed = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example"}
    seen, said = (
        hmac.digest(SECRET.encode(), f"{origin}/in/it{{}}".encode(), "sha256").hex()
        for origin in (door.url, "https://a.example")
    )

    assert 401 == (await door.post("/in/office", b"{}", claimed))[0]
    assert 401 == (await door.post("/in/it", b"{}", {**claimed, "X-Signature": said}))[0]
    assert 200 == (await door.post("/in/it", b"{}", {**claimed, "X-Signature": seen}))[0]


async def test_liveness_is_about_the_process_alone(door: Door) -> None:
    """A process is not restarted because its disk is full."""
    await door.store.close()
    async with door.http.get(door.url + "/healthz") as answer:
        assert 200 == answer.status
    async with door.http.get(door.url + "/readyz") as answer:
        assert 503 == answer.status
