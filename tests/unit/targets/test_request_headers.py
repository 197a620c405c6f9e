"""What a target is told besides the body."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from relay.domain import Delivery, HttpTarget, Secret
from relay.targets.addresses import endpoint
from relay.targets.headers import CONNECTION_HEADERS, RequestHead
from tests.builders import an_event
from tests.conftest import START


def a_delivery(*headers: tuple[str, str], event_type: str = "order.paid") -> Delivery:
    event = replace(an_event(), type=event_type, headers=headers)
    return Delivery(1, event, "route", "erp", 1, 0, START, START + timedelta(days=3))


def made(delivery: Delivery, url: str = "http://erp.example/", **settings: Any) -> bytes | str:
    head = RequestHead(HttpTarget(name="erp", url=url, **settings), endpoint(url))
    return head.of(delivery, int(START.timestamp()), None)


def headers_of(delivery: Delivery, url: str = "http://erp.example/", **settings: Any) -> CIMultiDict[str]:
    """Read a head as its receiver would."""
    head = made(delivery, url, **settings)
    assert not isinstance(head, str)
    _, *lines, end, rest = head.decode().split("\r\n")
    assert ("", "") == (end, rest)
    return CIMultiDict((name, value) for name, _, value in (line.partition(": ") for line in lines))


def test_type_and_encoding_of_the_body_go_with_it() -> None:
    """The bytes are as they came, so what describes them must be, too."""
    headers = headers_of(a_delivery(("content-type", "text/x; charset=latin-1"), ("Content-Encoding", "gzip")))

    assert "text/x; charset=latin-1" == headers["Content-Type"]
    assert "gzip" == headers["Content-Encoding"]


def test_a_body_has_one_type() -> None:
    """Two would leave the choice to the target's parser."""
    headers = headers_of(a_delivery(("Content-Type", "text/a"), ("content-type", "text/b")))

    assert ["text/a"] == headers.getall("Content-Type")


def test_only_named_headers_are_passed_and_all_of_a_name() -> None:
    """A target that verifies the vendor's own signature needs its header; it needs no other."""
    event = (("x-drivy-signature", "sha1=1"), ("X-Drivy-Signature", "sha1=2"), ("X-Other", "3"))
    headers = headers_of(a_delivery(*event), pass_headers=("X-Drivy-Signature",))

    assert ["sha1=1", "sha1=2"] == headers.getall("X-Drivy-Signature")
    assert "X-Other" not in headers


@pytest.mark.parametrize("name", sorted(CONNECTION_HEADERS))
def test_headers_of_a_connection_are_neither_passed_nor_set(name: str) -> None:
    """They frame another message on another connection: here they would be a lie, or a smuggled request."""
    headers = headers_of(a_delivery((name, "passed")), pass_headers=(name,), headers={name.title(): Secret("set")})

    assert {"passed", "set"}.isdisjoint(headers.values())


@pytest.mark.parametrize("name", ["Host", "webhook-id", "Webhook-Timestamp", "webhook-signature"])
def test_what_would_contradict_our_own_is_not_passed(name: str) -> None:
    """A source that signs by the same standard must not lend its headers to our delivery."""
    assert "theirs" not in headers_of(a_delivery((name, "theirs")), pass_headers=(name,)).values()


def test_ours_stand_before_configured_ones_and_those_before_passed_ones() -> None:
    """One value each: what the contract promises, then what the file says, then what the event brought."""
    configured = {"webhook-id": Secret("mine"), "content-type": Secret("text/x"), "User-Agent": Secret("erp/1")}
    delivery = a_delivery(("Content-Type", "text/a"), ("User-Agent", "axios"))
    headers = headers_of(delivery, headers=configured, pass_headers=("User-Agent",))

    assert [delivery.event.id] == headers.getall("webhook-id")
    assert ["text/x"] == headers.getall("Content-Type")
    assert ["erp/1"] == headers.getall("User-Agent")


def test_a_user_in_the_url_is_sent_as_basic() -> None:
    """As every HTTP client has it; a configured Authorization stands before it."""
    url = "http://us%20er:p%C3%A4ss@erp.example/"

    assert "Basic dXMgZXI6cMOkc3M=" == headers_of(a_delivery(), url)["Authorization"]
    configured = headers_of(a_delivery(), url, headers={"authorization": Secret("Bearer x")})
    assert ["Bearer x"] == configured.getall("Authorization")


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x1b", "\x7f", "\udce9"])
@pytest.mark.parametrize("place", ["type", "passed", "configured"])
def test_a_value_that_http_cannot_carry_is_named_and_not_repeated(place: str, character: str) -> None:
    """Wherever it comes from. The last one is how a byte that is no UTF-8 looks in text: it would be lost."""
    value = f"s3cret{character}"
    told = {
        "type": lambda: made(a_delivery(event_type=value)),
        "passed": lambda: made(a_delivery(("X-Vendor", value)), pass_headers=("X-Vendor",)),
        "configured": lambda: made(a_delivery(), headers={"X-Key": Secret(value.encode("utf-8", "surrogateescape"))}),
    }[place]()

    names = {"type": "X-Relay-Type", "passed": "X-Vendor", "configured": "X-Key"}
    assert f"header {names[place]} holds a character that HTTP cannot carry" == told


def test_a_value_may_hold_tabs_and_other_scripts() -> None:
    """They are allowed, if unusual: refusing them would lose events for nothing."""
    assert "Über\t☃\u00a0" == headers_of(a_delivery(event_type="Über\t☃\u00a0"))["X-Relay-Type"]


@pytest.mark.parametrize("name", ["X Tenant", "X-Tenant:", "", "X-Tenant\r\nX-Admin", "X-Ténant"])
def test_a_name_that_is_none_is_not_sent(name: str) -> None:
    """It would be read as another header, or end the head."""
    assert f"{name!r} is no name for a header" == made(a_delivery(), headers={name: Secret("acme")})


def test_what_was_final_and_goes_again_says_so() -> None:
    """A receiver may want to know that a person sent it once more; the id is the same."""
    replayed = replace(a_delivery(), attempt=4, attempts_before=3)

    assert "1" == headers_of(replayed)["X-Relay-Replay"]
    assert "X-Relay-Replay" not in headers_of(a_delivery())
