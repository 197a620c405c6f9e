"""One request that carries many events: each becomes a request of its own, as exact as it came."""

import gzip
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.batches import ITEMS_MAX, split
from relay.domain import Document, InboundRequest, Refusal
from relay.expressions import compile_expression
from relay.identity import read
from tests.unit.core.arrange import a_request, with_header

BYTES_MAX = 1024 * 1024


def parts_of(request: InboundRequest, batch: str = "events") -> list[tuple[InboundRequest, Document]] | Refusal:
    document = read(request.body, request.headers.get("Content-Encoding"), BYTES_MAX)
    assert isinstance(document, Document)
    return split(request, document, compile_expression(batch), BYTES_MAX)


def bodies_of(request: InboundRequest, batch: str = "events") -> list[bytes]:
    parts = parts_of(request, batch)
    assert isinstance(parts, list)
    return [part.body for part, _ in parts]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(items=st.lists(json_values, min_size=1, max_size=5))
def test_every_item_is_what_it_was(items: list[Any]) -> None:
    """Integers of any size among them: to the last digit."""
    body = json.dumps({"events": items}).encode("utf-8", "surrogatepass")

    assert items == [json.loads(part) for part in bodies_of(a_request(body))]


def test_an_item_keeps_the_order_of_its_keys() -> None:
    """Compact, and nothing else about it is changed."""
    assert [b'{"b":1,"a":"\xc3\xa9"}', b"2"] == bodies_of(a_request(b'[ {"b": 1, "a": "\\u00e9"}, 2 ]'), "@")


@pytest.mark.parametrize("body", [b"{}", b'{"events": []}', b'{"events": {"a": 1}}', b"7", b"no JSON"])
def test_where_no_list_is_found_the_request_is_one_event_as_it_came(body: bytes) -> None:
    """A vendor's ping has another form: it is kept, not lost."""
    request = a_request(body)
    parts = parts_of(request)

    assert isinstance(parts, list)
    assert [request] == [part for part, _ in parts]


def test_an_expression_that_fails_leaves_the_request_as_it_came() -> None:
    """Nothing is lost by a type that nobody expected."""
    assert [b"7"] == bodies_of(a_request(b"7"), "keys(@)")


TWO_LARGE_IDS = b'[{"id":100000000000000000001},{"id":100000000000000000002}]'


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ("[?id <= `100000000000000000001`]", [b'{"id":100000000000000000001}']),
        ("[?id == `100000000000000000000`]", [TWO_LARGE_IDS]),
    ],
)
def test_items_are_chosen_by_every_digit(batch: str, expected: list[bytes]) -> None:
    """Read as floats these ids are equal, and more would be chosen than there are."""
    assert expected == bodies_of(a_request(TWO_LARGE_IDS), batch)


def test_an_item_that_json_cannot_hold_refuses_all() -> None:
    """A sum of large numbers may be infinite, for which JSON has no word."""
    assert Refusal.UNREADABLE is parts_of(a_request(b'{"a": [1e308, 1e308]}'), "[{sum: sum(a)}]")


def test_an_item_of_a_packed_body_is_not_packed() -> None:
    """Its headers must not say so, or its receiver would unpack what is plain."""
    body = gzip.compress(b'{"events": [1, 123456789012345678901234567890]}')
    request = with_header(a_request(body), "Content-Encoding", "gzip")
    parts = parts_of(request)

    assert isinstance(parts, list)
    assert [b"1", b"123456789012345678901234567890"] == [part.body for part, _ in parts]
    assert all("Content-Encoding" not in part.headers for part, _ in parts)
    assert "Content-Encoding" in request.headers


def test_a_deep_item_is_what_it_was_or_refuses_all() -> None:
    """Rather than be a fault of ours."""
    deep, too_deep = (b"[" * levels + b"]" * levels for levels in (300, 1010))

    assert [deep] == bodies_of(a_request(b'{"events": [%s]}' % deep))
    assert parts_of(a_request(b'{"events": [%s]}' % too_deep)) is Refusal.UNREADABLE


def test_a_batch_has_a_bound() -> None:
    """Half a million zeros are no events."""
    assert parts_of(a_request(orjson.dumps({"events": [0] * (ITEMS_MAX + 1)}))) is Refusal.TOO_LARGE
