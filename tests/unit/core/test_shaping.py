"""What a delivery becomes before it is sent: by its route's expressions, and never beyond what they may say."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import Call, Delivery, Document, Event, Expression, Route, Shape, Target
from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.expressions import compile_expression
from relay.request_path import compile_request_path
from relay.routing import environment
from relay.shaping import Misshapen, Shapes, shaped
from tests.builders import an_event
from tests.senders import a_delivery

BODY: Mapping[str, Any] = {
    "type": "invoice",
    "invoice": {"id": "INV/1 ü", "amount": "$93.50", "paid": True, "n": 7, "lines": [1]},
    "evil": "a\r\nX-Admin: 1",
    "big": 2**70,
}


def a_shape(
    body: str | None = None,
    method: str | None = None,
    path: str | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Shape:
    def compiled(text: str | None) -> Expression | None:
        return None if text is None else compile_expression(text)

    return Shape(
        compiled(body),
        compiled(method),
        None if path is None else compile_request_path(path),
        {name: compile_expression(text) for name, text in (query or {}).items()},
        {name: compile_expression(text) for name, text in (headers or {}).items()},
    )


def result_of(shape: Shape, event: Event | None = None, value: object = BODY) -> Delivery | Misshapen:
    delivery = a_delivery(event or an_event())
    return shaped(delivery, shape, environment(delivery.event, Document(value, is_json=True)))


def call_of(shape: Shape) -> Call:
    result = result_of(shape)
    assert isinstance(result, Delivery), result
    assert result.call is not None
    return result.call


def reason_of(shape: Shape, value: object = BODY) -> str:
    result = result_of(shape, value=value)
    assert isinstance(result, Misshapen)
    return result.reason


def test_a_shaped_body_is_json_and_says_so() -> None:
    """What described the body as it came would be a lie about the new one."""
    event = replace(an_event(), headers=(("content-type", "text/x"), ("Content-Encoding", "gzip"), ("X-Shop", "1")))
    result = result_of(a_shape("{n: invoice.n, amount: money(invoice.amount), id: event_id}"), event)

    assert isinstance(result, Delivery)
    assert {"n": 7, "amount": {"amount": "93.50", "currency": "USD"}, "id": event.id} == json.loads(result.event.body)
    assert (("X-Shop", "1"), ("Content-Type", "application/json")) == result.event.headers
    assert result.call is None


@pytest.mark.parametrize(("text", "body"), [("invoice.lines", b"[1]"), ("'a'", b'"a"'), ("invoice.paid", b"true")])
def test_a_body_may_be_any_json(text: str, body: bytes) -> None:
    """A list, a text, a truth: whatever the expression finds."""
    result = result_of(a_shape(text))

    assert isinstance(result, Delivery)
    assert body == result.event.body


def test_method_path_query_and_headers_are_computed() -> None:
    """Each value stays where it was put: in its segment, in its parameter, in its header."""
    call = call_of(
        a_shape(
            method="invoice.paid && 'PUT' || 'POST'",
            path="/invoices/{invoice.id}/{join('-', ['a', 'b'])}",
            query={"a b": "invoice.id", "paid": "invoice.paid", "none": "absent"},
            headers={"X-Number": "invoice.n", "X-None": "absent", "X-Id": "event_id"},
        )
    )

    assert ("PUT", "/invoices/INV%2F1%20%C3%BC/a-b", "a%20b=INV%2F1%20%C3%BC&paid=true") == (
        call.method,
        call.path,
        call.query,
    )
    assert ("X-Number", "7") == call.headers[0]
    assert ["X-Number", "X-Id"] == [name for name, _ in call.headers]


@pytest.mark.parametrize("method", ["'DELETE'", "'GET'"])
def test_a_method_that_needs_no_body_carries_none_unless_one_is_shaped(method: str) -> None:
    """Many servers refuse a DELETE with a body that nobody meant for it."""
    bare, meant = result_of(a_shape(method=method)), result_of(a_shape("{a: `1`}", method=method))

    assert isinstance(bare, Delivery)
    assert isinstance(meant, Delivery)
    assert (b"", None) == (bare.event.body, bare.event.header("Content-Type"))
    assert b'{"a":1}' == meant.event.body


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (a_shape("absent"), "`body` of the route route failed: absent: nothing was found (null)"),
        (a_shape("big"), "cannot be written as JSON"),
        (a_shape("upper(invoice)"), "upper() takes string, and was given object"),
        (a_shape("money(evil)"), "money() was given what is no amount"),
        (a_shape("&evil"), "cannot be written as JSON"),
        (a_shape(method="invoice.id"), "`method` of the route route failed: invoice.id: what was found is no method"),
        (a_shape(path="/a/{absent}"), "`path` of the route route failed: absent: nothing was found for the path"),
        (a_shape(path="/a/{invoice}"), "a list or an object was found"),
        (a_shape(query={"a": "invoice"}), "`query.a` of the route route failed"),
        (a_shape(headers={"X-A": "evil"}), "`headers.X-A` of the route route failed: evil: a line break"),
    ],
)
def test_what_cannot_be_made_is_told_with_its_key_and_without_its_value(shape: Shape, told: str) -> None:
    """The reason stands with the delivery, in the log and on a page: it names the expression, and no data."""
    reason = reason_of(shape)

    assert reason.startswith("nothing was sent: ")
    assert told in reason
    assert "X-Admin" not in reason
    assert "93.50" not in reason


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x0b", "\x7f", "\ud800"])
def test_no_value_adds_a_header_or_a_request(character: str) -> None:
    """Who writes the event must not write our headers."""
    assert "no header can carry" in reason_of(a_shape(headers={"X-A": "evil"}), {"evil": f"a{character}b"})


@pytest.mark.parametrize("value", [".", "..", ""])
@pytest.mark.parametrize("path", ["/a/{id}", "/a/{id}/b", "{id}"])
def test_no_value_climbs_out_of_the_path(path: str, value: str) -> None:
    """A server would resolve the dots, and what was meant for an invoice would reach something else."""
    assert "`path` of the route" in reason_of(a_shape(path=path), {"id": value})


@pytest.mark.parametrize("path", ["/a/.{id}", "/a/{id}.", "/a/{id}{id}"])
def test_dots_in_pieces_are_seen_together(path: str) -> None:
    """Each piece alone would be harmless."""
    assert "would lead elsewhere" in reason_of(a_shape(path=path), {"id": "."})


@given(value=st.text(min_size=1, max_size=20))
def test_whatever_a_value_holds_it_stays_one_segment(value: str) -> None:
    """Slashes, question marks, dots and percent signs are data, not places."""
    try:
        path = compile_request_path("/a/{id}/b")({"id": value})
    except ExpressionFailed:
        assert value in (".", "..") or not value.isprintable() or not value.isascii()
        return
    _, a, filled, b = path.split("/")
    assert ("a", value, "b") == (a, unquote(filled), b)
    assert not {"?", "#", "\\", " ", "\r", "\n"} & set(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no path"),
        ("/a?b=c", "no path"),
        ("/a#b", "no path"),
        ("/a b", "no path"),
        ("/a\r\nb", "no path"),
        ("//evil.example/", "would lead elsewhere"),
        ("/a/../b", "would lead elsewhere"),
        ("/a/%2e%2E/b", "would lead elsewhere"),
        ("/a/{id", "column 4 is never closed"),
        ("/a/id}", "column 6 closes nothing"),
        ("/a/{}", "cannot be empty"),
        ("/a/{foo(id)}", "which is no function"),
    ],
)
def test_a_path_that_is_none_is_a_fault_of_the_file(text: str, told: str) -> None:
    """It is told when the configuration is read."""
    with pytest.raises(ExpressionInvalid, match=told):
        compile_request_path(text)


@pytest.mark.parametrize("inner", [" {a: id}.a", "'}'", "\"}\"  || '{'", '`"}"`', "'\\'}'"])
def test_braces_inside_of_an_expression_are_its_own(inner: str) -> None:
    """JMESPath has braces and quotes of its own."""
    assert compile_request_path(f"/x/{{{inner}}}/y")({"id": "1"}).startswith("/x/")


# Which route's shape

TARGET = Target("erp")


def a_route(name: str, *, body: str | None = None, when: str | None = None, source: str = "shop") -> Route:
    shape = None if body is None else a_shape(body)
    return Route(name, source, (TARGET,), None if when is None else compile_expression(when), shape)


def applied(routes: list[Route], *, route: str = "route", target: Target = TARGET) -> Delivery | Misshapen:
    shapes = Shapes(target, routes)
    assert shapes
    return shapes.apply(replace(a_delivery(), route=route), Document({"kind": "b"}, is_json=True))


def body_of(result: Delivery | Misshapen) -> bytes:
    assert isinstance(result, Delivery), result
    return result.event.body


def test_a_delivery_is_shaped_by_the_route_of_its_name_and_source() -> None:
    """Several sources' routes may have one name."""
    routes = [a_route("route", body="'theirs'", source="other"), a_route("route", body="'ours'"), a_route("third")]

    assert b'"ours"' == body_of(applied(routes))


def test_a_target_that_nothing_shapes_costs_nothing() -> None:
    """No body is read for a route that sends it as it came."""
    assert not Shapes(TARGET, [a_route("route")])
    assert Shapes(TARGET, [a_route("route"), a_route("other", body="'x'")]).passes(a_delivery())


def test_a_route_that_was_renamed_is_found_by_where_it_leads() -> None:
    """The first that leads from the source to the target, and takes this event."""
    routes = [a_route("new", body="'a'", when="kind == 'a'"), a_route("newer", body="'b'", when="kind == 'b'")]

    assert b'"b"' == body_of(applied(routes, route="old"))


def test_without_a_successor_nothing_is_sent_where_routes_shape() -> None:
    """The raw event could hold what this target must never see; a replay after a route is back sends it."""
    result = applied([a_route("new", body="'a'", source="other")], route="old")

    assert isinstance(result, Misshapen)
    assert "its route old is no longer configured" in result.reason


def test_a_target_may_have_a_body_of_its_own_for_routes_without_one() -> None:
    """A chat takes messages, whatever happened."""
    target = Target("erp", body=compile_expression("{text: kind}"))

    assert b'{"text":"b"}' == body_of(applied([a_route("route")], target=target))
    assert b'"own"' == body_of(applied([a_route("route", body="'own'")], target=target))
