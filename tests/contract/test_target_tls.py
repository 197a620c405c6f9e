"""Targets behind an authority of their own, and those that want to see our certificate: by real sockets."""

import ssl
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from relay.domain import Auth, Outcome, Secret, TlsFiles
from relay.expressions import compile_expression
from tests.conftest import ManualClock
from tests.receiver import Receiver, receiving, says
from tests.senders import an_http_sender, send_once


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> TlsFiles:
    """The authority, and a certificate of ours that it gave."""
    tls = TlsFiles(tmp_path / "ca.pem", tmp_path / "us.pem", tmp_path / "us.key")
    ours = authority.issue_cert("relay.example")
    authority.cert_pem.write_to_path(str(tls.ca))
    ours.cert_chain_pems[0].write_to_path(str(tls.cert))
    ours.private_key_pem.write_to_path(str(tls.key))
    return tls


@asynccontextmanager
async def behind(
    authority: trustme.CA,
    *,
    wants_ours: bool = False,
    names: Sequence[str] = ("127.0.0.1", "localhost"),
    until: datetime | None = None,
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> AsyncIterator[Receiver]:
    """Run a receiver whose certificate that authority gave. newest: the newest version of TLS that it speaks."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names, not_after=until).configure_cert(context)
    if newest is not ssl.TLSVersion.MAXIMUM_SUPPORTED:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # that is the point
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
        context.set_ciphers("ALL:@SECLEVEL=0")
    if wants_ours:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    async with receiving(says(body=b'{"access": "token-number-1"}'), tls=context) as receiver:
        yield receiver


def url_of(receiver: Receiver) -> str:
    return f"https://localhost:{receiver.port}/hooks"


async def test_a_private_authority_is_believed_where_it_is_named(
    clock: ManualClock, authority: trustme.CA, files: TlsFiles
) -> None:
    """And by no other target."""
    async with behind(authority) as receiver:
        strange = await send_once(an_http_sender(clock, url_of(receiver)))
        known = await send_once(an_http_sender(clock, url_of(receiver), tls=TlsFiles(ca=files.ca)))

    assert (Outcome.UNREACHABLE, Outcome.ACCEPTED) == (strange.outcome, known.outcome)
    assert "its TLS certificate is not accepted" in strange.detail


async def test_another_authority_is_not_believed(clock: ManualClock, authority: trustme.CA, tmp_path: Path) -> None:
    """A named authority stands in place of all others."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    async with behind(authority) as receiver:
        attempt = await send_once(an_http_sender(clock, url_of(receiver), tls=TlsFiles(ca=tmp_path / "other.pem")))

    assert Outcome.UNREACHABLE == attempt.outcome


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "expired"),
        ({"names": ["erp.example"]}, "not valid for 'localhost'"),
        ({"newest": ssl.TLSVersion.TLSv1_1}, "no connection"),
    ],
)
async def test_who_is_not_proven_today_by_its_own_name_is_sent_nothing(
    clock: ManualClock, authority: trustme.CA, files: TlsFiles, faulty: dict[str, Any], words: str
) -> None:
    """An authority's word is for one name and one time; and what is older than TLS 1.2 proves nobody."""
    async with behind(authority, **faulty) as receiver:
        attempt = await send_once(an_http_sender(clock, url_of(receiver), tls=TlsFiles(ca=files.ca)))

    assert Outcome.UNREACHABLE == attempt.outcome
    assert words in attempt.detail
    assert [] == receiver.requests


async def test_our_certificate_is_shown_to_who_wants_it(
    clock: ManualClock, authority: trustme.CA, files: TlsFiles
) -> None:
    """Without it the connection fails; the key stays here."""
    async with behind(authority, wants_ours=True) as receiver:
        unknown = await send_once(an_http_sender(clock, url_of(receiver), tls=TlsFiles(ca=files.ca)))
        known = await send_once(an_http_sender(clock, url_of(receiver), tls=files))

    assert (Outcome.UNREACHABLE, Outcome.ACCEPTED) == (unknown.outcome, known.outcome)


async def test_a_login_takes_the_same_tls(clock: ManualClock, authority: trustme.CA, files: TlsFiles) -> None:
    """It is mostly the same server."""
    async with behind(authority, wants_ours=True) as receiver:
        place = ("header", "Authorization", Secret("Bearer {token}"))
        settings = {"url": url_of(receiver), "token": compile_expression("access"), "place": place}
        attempt = await send_once(an_http_sender(clock, url_of(receiver), tls=files, auth=Auth("login", settings)))

    assert Outcome.ACCEPTED == attempt.outcome
    assert "Bearer token-number-1" == receiver.requests[1].value("Authorization")
