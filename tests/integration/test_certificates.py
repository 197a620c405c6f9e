"""Certificates that vendors name: fetched by real sockets, believed by a chain, and never a stranger's errand."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay import presets
from relay.certificates import BYTES_MAX, FETCHES, KEPT_S, Certificates
from relay.domain import InboundRequest, KeyWanted, NetworkTarget, Refusal, Secret
from relay.errors import KeyUnavailable, SecretInvalid, SigningImpossible
from relay.verification.paypal import PayPalVerifier
from tests.authority import Authority
from tests.conftest import ManualClock
from tests.contract.vendor import NOW, a_request, recorded, source_with, vectors_of

OWNER = ".paypal.com"
HERE = NetworkTarget("certificates", allow_private=True)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority()


@pytest.fixture
def tls(authority: trustme.CA, root: Authority) -> ssl.SSLContext:
    """Believe the server's authority and the vendor's, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    context.load_verify_locations(cadata=root.certificate.public_bytes(Encoding.DER))
    return context


class Shelf:
    """A server with certificates on it, that counts how often it is asked."""

    def __init__(self) -> None:
        self.things: dict[str, bytes | int] = {}  # a number: the status, and where there is one, a way to /good
        self.asked = 0
        self.url = ""

    async def answer(self, http: web.Request) -> web.Response:
        self.asked += 1
        thing = self.things.get(http.path, 404)
        if isinstance(thing, bytes):
            return web.Response(body=thing)
        return web.Response(status=thing, headers={"Location": "/good"} if thing == 302 else None)

    def wanted(self, name: str) -> KeyWanted:
        return KeyWanted(f"{self.url}/{name}", OWNER)


@asynccontextmanager
async def served(authority: trustme.CA) -> AsyncIterator[Shelf]:
    shelf = Shelf()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    application = web.Application()
    application.router.add_get("/{name}", shelf.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    shelf.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        yield shelf
    finally:
        await runner.cleanup()


@pytest.fixture
async def shelf(authority: trustme.CA) -> AsyncIterator[Shelf]:
    async with served(authority) as opened:
        yield opened


NAME = "messageverificationcerts.paypal.com"


async def test_a_certificate_with_a_chain_is_believed_and_kept(
    shelf: Shelf, root: Authority, tls: ssl.SSLContext, clock: ManualClock
) -> None:
    """Asked for once in hours, however many requests name it; also over an intermediate authority."""
    pem, key = Authority(root).issue(NAME)
    shelf.things["/good"] = pem
    certificates = Certificates(clock, tls, HERE)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert [public] * 3 == [await certificates.key(shelf.wanted("good")) for _ in range(3)]
    assert 1 == shelf.asked
    clock.advance(KEPT_S + 1)
    assert public == await certificates.key(shelf.wanted("good"))
    assert 2 == shelf.asked
    clock.advance(366 * 86400)
    assert await certificates.key(shelf.wanted("good")) is None  # it has run out


async def test_a_certificate_that_is_not_the_owners_is_none(
    shelf: Shelf, root: Authority, tls: ssl.SSLContext, clock: ManualClock
) -> None:
    """Of another name, of another authority, none at all, too long to be one, not there: all refused, and kept so."""
    shelf.things = {
        "/stranger": root.issue("paypal.com.example.com")[0],
        "/forged": Authority().issue(NAME)[0],
        "/words": b"hello",
        "/long": root.issue(NAME)[0] + b" " * BYTES_MAX,
    }
    certificates = Certificates(clock, tls, HERE)
    names = [*(path.removeprefix("/") for path in shelf.things), "absent"]

    assert [None] * 5 == [await certificates.key(shelf.wanted(name)) for name in names]
    assert [None] * 5 == [await certificates.key(shelf.wanted(name)) for name in names]
    assert 5 == shelf.asked


async def test_what_may_be_there_later_is_told_apart(
    shelf: Shelf, root: Authority, tls: ssl.SSLContext, clock: ManualClock
) -> None:
    """A fault of theirs, a redirect that is not followed, a refused connection: the sender is told to come again."""
    shelf.things = {"/faulty": 500, "/moved": 302, "/busy": 429, "/good": root.issue(NAME)[0]}
    certificates = Certificates(clock, tls, HERE)
    for name in ("faulty", "moved", "busy"):
        with pytest.raises(KeyUnavailable, match="answered"):
            await certificates.key(shelf.wanted(name))
    with pytest.raises(KeyUnavailable, match="no certificate from localhost"):
        await certificates.key(KeyWanted("https://localhost:1/x", OWNER))


async def test_no_proxy_of_the_environment_is_asked(
    shelf: Shelf, root: Authority, tls: ssl.SSLContext, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would dial in our stead, behind the guard's back."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    shelf.things["/good"] = root.issue(NAME)[0]

    assert await Certificates(clock, tls, HERE).key(shelf.wanted("good")) is not None


async def test_strangers_cannot_send_us_fetching(
    shelf: Shelf, root: Authority, tls: ssl.SSLContext, clock: ManualClock
) -> None:
    """Few fetches in a minute; what is known goes on being used meanwhile; no private address is called at all."""
    shelf.things["/good"] = root.issue(NAME)[0]
    certificates = Certificates(clock, tls, HERE)
    assert await certificates.key(shelf.wanted("good")) is not None
    for number in range(FETCHES.count - 1):
        await certificates.key(shelf.wanted(f"forged-{number}"))

    with pytest.raises(KeyUnavailable, match="too many"):
        await certificates.key(shelf.wanted("one-more"))
    assert await certificates.key(shelf.wanted("good")) is not None
    with pytest.raises(KeyUnavailable):
        await Certificates(clock, tls).key(shelf.wanted("good"))
    assert FETCHES.count == shelf.asked


RECORDED = vectors_of(presets.find("paypal"))


def a_recorded(**headers: str) -> InboundRequest:
    request = dict(RECORDED["requests"][0])
    request["headers"] = {**request["headers"], **headers}
    del request["fetched"]
    return recorded(request, RECORDED["secret"])


def test_a_key_is_wanted_only_from_the_vendor() -> None:
    """The header is a stranger's word: whatever is not exactly PayPal's address is refused and never fetched."""
    (verifier,) = source_with("paypal", RECORDED["secret"]).verifiers
    wanted = verifier.verify(a_recorded(), NOW)

    assert isinstance(wanted, KeyWanted)
    assert (True, OWNER) == (wanted.url.startswith("https://api.sandbox.paypal.com/"), wanted.owner)
    for url in (
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.example.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@10.0.0.1/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../x",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x",
        "https://apixpaypal.com/v1/notifications/certs/CERT-1",
        "https://169.254.169.254/v1/notifications/certs/CERT-1",
    ):
        assert Refusal.MALFORMED is verifier.verify(a_recorded(**{"PAYPAL-CERT-URL": url}), NOW)
    assert Refusal.MALFORMED is verifier.verify(a_recorded(**{"PAYPAL-AUTH-ALGO": "SHA1withRSA"}), NOW)


def test_only_a_private_key_signs_and_only_an_id_is_a_secret() -> None:
    """What is missing is said where somebody would sign as PayPal."""
    with pytest.raises(SigningImpossible, match="private key in PEM"):
        PayPalVerifier((Secret("1JE4291016473214C"),)).sign(a_request(b"{}"), NOW)
    with pytest.raises(SecretInvalid, match="the webhook's id"):
        PayPalVerifier((Secret("not an id"),))
