"""Which of a target's deliveries go one at a time: those with the same value of `order_by`."""

import orjson
import pytest

from relay.domain import Document, Route, Source, Target
from relay.expressions import compile_expression
from relay.routing import ORDER_CHARACTERS_MAX, plan
from tests.builders import an_event
from tests.unit.core.arrange import NOW, a_source


def order_of(order_by: str, body: object, *, is_json: bool = True) -> str | None:
    """Return the order of the one delivery that an event becomes."""
    target = Target("erp", order_by=compile_expression(order_by))
    (delivery,) = plan(an_event(), Document(body, is_json=is_json), _with_route_to(target), NOW).deliveries
    return delivery.order


def _with_route_to(target: Target) -> Source:
    source = a_source()
    return Source(source.name, source.verifiers, source.identification, (Route("all", source.name, (target,)),))


@pytest.mark.parametrize(
    ("order_by", "one", "other"),
    [
        ("id", {"id": "R1", "at": 1}, {"id": "R1", "at": 2}),
        ("[kind, id]", {"kind": "a", "id": 1}, {"id": 1, "kind": "a", "at": 2}),
        ("of", {"of": {"a": 1, "b": 2}}, {"of": {"b": 2, "a": 1}}),
        ("note", {"note": "x" * 1000}, {"note": "x" * 1000, "at": 2}),
    ],
)
def test_bodies_with_the_same_value_have_the_same_order(order_by: str, one: object, other: object) -> None:
    """Whatever else they say, and however they are written."""
    assert order_of(order_by, one)
    assert order_of(order_by, one) == order_of(order_by, other)


@pytest.mark.parametrize(("one", "other"), [("1", 1), ("true", True), ("R1", "R2"), ("x" * 1000, "x" * 1001)])
def test_other_values_have_other_orders(one: object, other: object) -> None:
    """A number is not the text that looks like it; neither waits for the other."""
    assert order_of("id", {"id": one}) != order_of("id", {"id": other})


@pytest.mark.parametrize(
    ("order_by", "body"),
    [
        ("id", {}),
        ("id", {"id": None}),
        ("id", ["no fields here"]),
        ("[id, kind]", {"other": 1}),
        ("id", None),
        ("length(id)", {"id": 5}),
        ("sum(ids)", {"ids": [2**64 - 1, 2**64 - 1]}),
        ("&id", {"id": 1}),
        ("@", orjson.loads(b"[" * 300 + b"]" * 300)),
    ],
)
def test_what_finds_nothing_or_fails_is_delivered_without_an_order(order_by: str, body: object) -> None:
    """Never lost, and never refused: no value, one of no use, or one that cannot be written down."""
    assert order_of(order_by, body) is None


def test_a_body_that_is_no_json_is_delivered_without_an_order() -> None:
    """A source may send anything."""
    assert order_of("id", None, is_json=False) is None


def test_a_long_value_takes_little_room() -> None:
    """It stands in an index of the database, and may be a document of megabytes."""
    order = order_of("data", {"data": "x" * 1_000_000})

    assert order is not None
    assert len(order) <= ORDER_CHARACTERS_MAX
