"""Refused requests: kept within bounds, shown without what proves them, admitted once the configuration is mended."""

import hmac
from typing import Any

from multidict import CIMultiDict

from relay.domain import InboundRequest, Refusal
from relay.quarantine import KEPT_RATE, WAITING_BYTES_MAX
from tests.admin import FILE, KNOWN, SECRET, Client, Office

NEW_SECRET = "the-secret-that-the-vendor-uses"


def a_request(body: bytes = b'{"id": 1}', secret: str = NEW_SECRET) -> InboundRequest:
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    headers = CIMultiDict({"X-Signature": signature, "X-Shop": "1", "Authorization": "Bearer of-the-vendor"})
    return InboundRequest(
        "POST", "https://hooks.example.com", "/in/shop/a-path-token", "a=b", headers, body, "192.0.2.1"
    )


async def receive(office: Office, request: InboundRequest) -> object:
    return await office.ingest.receive(request, office.config.sources["shop"])


async def kept(office: Office) -> list[int]:
    await office.quarantine.write()
    return [row.number for row in await office.store.rejections.page(None, None, None, 500)]


async def post(admin: Client, number: int) -> tuple[int, Any]:
    answer = await admin.post(f"/api/v1/rejections/{number}/admit", headers=KNOWN)
    return answer.status, await answer.json()


async def test_what_was_refused_is_admitted_once_the_secret_is_mended(admin: Client, office: Office) -> None:
    """Nothing is lost by a secret that was copied wrongly; who admits it twice is told."""
    assert Refusal.MISMATCH is await receive(office, a_request())
    (number,) = await kept(office)
    assert 409 == (await post(admin, number))[0]

    office.configure(FILE, NEW_SECRET)
    office.clock.advance(3600)
    status, told = await post(admin, number)

    assert (200, False, 1) == (status, told["duplicate"], told["events"])
    record = await office.store.event(told["id"])
    assert record is not None
    assert b'{"id": 1}' == record.event.body
    assert ["erp"] == [delivery.target for delivery in record.deliveries]
    status, again = await post(admin, number)
    assert (409, True) == (status, told["id"] in again["detail"])


async def test_a_timely_signature_stays_timely(admin: Client, office: Office) -> None:
    """A time in a signature is judged by when the request came, not by when its reader woke up."""
    stamped = FILE.replace('signed: "{body}"', 'signed: "{timestamp}.{body}", timestamp_header: X-Time')
    body, time = b"{}", str(int(office.clock.now().timestamp()))
    signature = hmac.digest(NEW_SECRET.encode(), f"{time}.".encode() + body, "sha256").hex()
    headers = CIMultiDict({"X-Signature": signature, "X-Time": time})
    office.configure(stamped)
    await receive(office, InboundRequest("POST", "", "/in/shop", "", headers, body))
    (number,) = await kept(office)
    office.configure(stamped, NEW_SECRET)
    office.clock.advance(86400)

    assert 200 == (await post(admin, number))[0]


async def test_nothing_that_proves_is_shown(admin: Client, office: Office) -> None:
    """Neither signature nor credential nor token nor query: it may be good tomorrow."""
    await receive(office, a_request())
    (number,) = await kept(office)

    listed = await (await admin.get("/api/v1/rejections?source=shop&reason=mismatch", headers=KNOWN)).json()
    one = await admin.get(f"/api/v1/rejections/{number}", headers=KNOWN)

    assert [number] == [each["id"] for each in listed["items"]]
    text = await one.text()
    signature = a_request().headers["X-Signature"]
    for secret in (signature, "of-the-vendor", "a-path-token", "a=b"):
        assert secret not in text
    told = await one.json()
    assert ("/in/shop", [["X-Signature", "***"], ["X-Shop", "1"], ["Authorization", "***"]]) == (
        told["path"],
        told["headers"],
    )
    body = await admin.get(f"/api/v1/rejections/{number}/body", headers=KNOWN)
    assert (b'{"id": 1}', "application/octet-stream") == (await body.read(), body.headers["Content-Type"])


async def test_a_flood_leaves_a_sample(office: Office) -> None:
    """It costs neither disk nor memory: a few of each second are like the others."""
    for _ in range(500):
        await receive(office, a_request())
    assert KEPT_RATE.count == len(await kept(office))

    office.clock.advance(1)
    for _ in range(500):
        await receive(office, a_request())
    assert 2 * KEPT_RATE.count == len(await kept(office))


async def test_bounds_of_the_configuration_hold(office: Office) -> None:
    """By count and by bytes; a body that is larger than all together is not kept at all."""
    office.configure(FILE + "quarantine: {count: 2, bytes: 1KiB}\n")
    for size in (2000, 10, 20, 30):
        await receive(office, a_request(b"x" * size))

    numbers = await kept(office)
    assert [30, 20] == [row.body_bytes for row in await office.store.rejections.page(None, None, None, 9)]
    assert 2 == len(numbers)


async def test_nothing_is_kept_where_nobody_wants_it(office: Office) -> None:
    """`count: 0`."""
    office.configure(FILE + "quarantine: {count: 0}\n")
    await receive(office, a_request())
    assert [] == await kept(office)


async def test_memory_is_bounded_until_it_is_written(office: Office) -> None:
    """However large what a stranger sends may be."""
    office.configure(FILE.replace("limit: 200/1s", "max_body: 20MiB"))
    body = b"x" * (WAITING_BYTES_MAX // 2 + 1)
    for _ in range(2):
        await receive(office, a_request(body))
    assert 1 == len(await kept(office))


async def test_what_is_too_old_is_dropped(office: Office) -> None:
    """Also where nothing is refused any more."""
    await receive(office, a_request())
    assert 1 == len(await kept(office))

    office.clock.advance(8 * 86400)
    await office.quarantine.drop_old()

    assert [] == await kept(office)


async def test_what_is_genuine_is_not_kept(office: Office) -> None:
    """An accepted request stands as an event; one over its limit is sent again."""
    await receive(office, a_request(secret=SECRET))
    assert [] == await kept(office)


async def test_a_source_that_is_gone_admits_nothing(admin: Client, office: Office) -> None:
    """Nobody says any more how it is proven."""
    await receive(office, a_request())
    (number,) = await kept(office)
    office.configure("sources: {}\n")

    status, told = await post(admin, number)

    assert (409, True) == (status, "not configured any more" in told["detail"])
    assert 404 == (await post(admin, number + 1))[0]
