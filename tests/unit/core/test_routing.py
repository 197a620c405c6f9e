"""Routes: which targets an event reaches, and why."""

from datetime import timedelta

import pytest

from relay.domain import (
    UNREAD,
    Document,
    Event,
    Plan,
    PlannedDelivery,
    RetryPolicy,
    Route,
    Source,
    Target,
    Verdict,
)
from relay.expressions import compile_expression
from relay.routing import plan
from tests.unit.core.arrange import NOW, a_source

BODY = {"type": "body's own", "amount": 5, "body": "overlaid", "tags": [], "note": ""}
EVENT = Event(
    id="evt_1",
    source="shop",
    type="order.paid",
    key=b"k",
    key_expires_at=None,
    received_at=NOW,
    headers=(("X-Shop", "first"), ("x-shop", "second"), ("Content-Type", "application/json")),
    body=b"{}",
)
ERP, ARCHIVE = Target("erp"), Target("archive", retry=RetryPolicy(max_age=timedelta(hours=1)))


def a_route(name: str, *targets: Target, when: str | None = None) -> Route:
    return Route(name, "shop", targets, compile_expression(when) if when else None)


def with_routes(*routes: Route) -> Source:
    source = a_source()
    return Source(source.name, source.verifiers, source.identification, routes)


def planned(*routes: Route, value: object = BODY) -> Plan:
    return plan(EVENT, Document(value, is_json=True), with_routes(*routes), NOW)


def delivery(route: str, target: Target) -> PlannedDelivery:
    return PlannedDelivery(route, target.name, NOW, NOW + target.retry.max_age)


def verdict_on(when: str, value: object = BODY) -> Verdict:
    return planned(a_route("route", ERP, when=when), value=value).verdicts[0][1]


def test_a_route_without_a_condition_takes_every_event() -> None:
    """Each of its targets gets a delivery, due at once, with its own deadline."""
    expected = Plan((delivery("all", ERP), delivery("all", ARCHIVE)), (("all", Verdict.MATCHED),))

    assert expected == planned(a_route("all", ERP, ARCHIVE))


def test_a_source_without_routes_keeps_its_events() -> None:
    """They are stored, and shown; nobody gets them."""
    assert Plan((), ()) == planned()


def test_every_route_says_what_it_thinks() -> None:
    """`relay why` tells it later, route by route."""
    result = planned(
        a_route("paid", ERP, when="type == 'order.paid'"),
        a_route("large", ARCHIVE, when="amount > `10`"),
        a_route("broken", ARCHIVE, when="starts_with(amount, 'a')"),
    )

    expected = (("paid", Verdict.MATCHED), ("large", Verdict.UNMATCHED), ("broken", Verdict.FAILED))
    assert expected == result.verdicts
    assert (delivery("paid", ERP),) == result.deliveries


def test_a_target_of_two_routes_gets_one_delivery_by_the_first() -> None:
    """Two routes may overlap; a receiver must not get the same event twice for it."""
    result = planned(a_route("no", ERP, when="`false`"), a_route("a", ERP), a_route("b", ARCHIVE, ERP, ARCHIVE))

    assert (delivery("a", ERP), delivery("b", ARCHIVE)) == result.deliveries
    assert [Verdict.UNMATCHED, Verdict.MATCHED, Verdict.MATCHED] == [verdict for _, verdict in result.verdicts]


@pytest.mark.parametrize(
    "when",
    [
        "amount == `5`",
        "type == 'order.paid'",
        "body.type == 'body\\'s own'",
        "body.body == 'overlaid'",
        "source == 'shop'",
        "headers.\"x-shop\" == 'first'",
        "headers.\"content-type\" == 'application/json'",
        "received_at == '2026-07-01T12:00:00+00:00'",
        "starts_with(type, 'order.')",
        "`0`",
    ],
)
def test_a_condition_sees_the_body_and_what_we_know(when: str) -> None:
    """Our names lie over the body's; zero is true, as JMESPath has it."""
    assert verdict_on(when) is Verdict.MATCHED


@pytest.mark.parametrize("when", ["absent", "tags", "note", "`{}`", "`false`", 'headers."X-Shop"'])
def test_a_condition_that_finds_nothing_does_not_match(when: str) -> None:
    """Null, empty and false; headers are known by their lower-case name."""
    assert verdict_on(when) is Verdict.UNMATCHED


@pytest.mark.parametrize("value", [[1], "text", 7, None])
def test_a_body_without_fields_can_still_be_asked(value: object) -> None:
    """It is `body`; our own names are there all the same."""
    assert verdict_on("source == 'shop'", value) is Verdict.MATCHED
    assert verdict_on("amount", value) is Verdict.UNMATCHED


def test_a_body_that_is_no_json_can_still_be_routed() -> None:
    """By its headers, its source and its type."""
    result = plan(EVENT, UNREAD, with_routes(a_route("paid", ERP, when="type == 'order.paid' && !body")), NOW)

    assert (("paid", Verdict.MATCHED),) == result.verdicts
