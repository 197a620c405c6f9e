"""Expressions and terms: JMESPath, as the specification has it, and faster where it is read directly."""

import json
import warnings

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import UNREAD, Document
from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.expressions import compile_expression, compile_term, is_true
from tests.unit.core.arrange import a_request

names = st.sampled_from(["type", "data", "id", "kind", "a b", "ä", ""])
fields = names.map(json.dumps)  # a quoted identifier is a JSON string
chains = st.lists(fields, min_size=1, max_size=4).map(".".join)
lists = st.lists(chains, min_size=1, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
direct = st.recursive(
    chains | lists,
    lambda parts: st.one_of(
        st.tuples(parts, parts).map(" || ".join),
        st.tuples(parts, parts).map(" | ".join),
        st.tuples(chains, lists).map(".".join),
    ),
    max_leaves=4,
)
others = st.sampled_from(["@", "type == 'a'", "!id", "data[0]", "data[].id", "{k: kind, i: data.id}", "`1`", "keys(@)"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


@given(text=direct | st.tuples(direct, others).map(" || ".join) | others, document=documents)
def test_what_is_read_directly_means_what_jmespath_says(text: str, document: object) -> None:
    """The short way is an optimisation; a reader of the specification must not be able to tell."""
    try:
        expected = jmespath.search(text, document)
    except jmespath.exceptions.JMESPathError:
        with pytest.raises(ExpressionFailed):
            compile_expression(text)(document)
        return

    assert expected == compile_expression(text)(document)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type", "rental.booked"),
        ("data.rental_id", 7),
        ("[type, data.rental_id]", ["rental.booked", 7]),
        ("type.id", None),
        ("data.list.id", None),
        ("absent.id", None),
        ("collector.id || collector", "sliced_invoices"),
        ("data.[rental_id, absent]", [7, None]),
        ("starts_with(type, 'rental.')", True),
    ],
)
def test_an_expression_finds_what_it_names(text: str, expected: object) -> None:
    """A field of what has no fields is null, never an error: that is how JMESPath walks over what it is given."""
    body = {"type": "rental.booked", "data": {"rental_id": 7, "list": [1]}, "collector": "sliced_invoices"}

    assert expected == compile_expression(text)(body)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "an expression cannot be empty"),
        (" ", "' ' ends too early"),
        ("[type, data", "'[type, data' ends too early"),
        ("data.", "'data.' ends too early"),
        ("kind id", "'kind id': unexpected 'id' at column 6"),
        ("type = 'a'", "\"type = 'a'\": Unknown token '=' at column 6"),
        ("data.#", "'data.#': Unknown token # at column 6"),
        ("'abc", "\"'abc\": Unclosed ' delimiter at column 1"),
        ("foo(type)", "'foo(type)' calls foo(), which is no function; did you mean floor()?"),
        ("items[0:5].foo(id)", "'items[0:5].foo(id)' calls foo(), which is no function; did you mean floor()?"),
        ("length(a, b)", "'length(a, b)' calls length() with 2 arguments: expected 1"),
        ("starts_with(type)", "'starts_with(type)' calls starts_with() with 1 arguments: expected 2"),
        ("not_null()", "'not_null()' calls not_null() with 0 arguments: expected 1"),
        ("[" * 3000 + "a" + "]" * 3000, "'" + "[" * 40 + "'… is nested too deeply"),
        ("a[" + "9" * 5000 + "]", "'a[" + "9" * 38 + "'… holds a number that is too long"),
    ],
)
def test_a_bad_expression_is_told_with_its_text_and_place(text: str, told: str) -> None:
    """A line of `relay check` must be enough to find the mistake; a call that can never succeed is one."""
    with pytest.raises(ExpressionInvalid) as raised:
        compile_expression(text)

    assert told == str(raised.value)


def test_a_function_may_take_more_where_it_says_so() -> None:
    """`not_null` takes as many as it is given."""
    assert compile_expression("not_null(a, b, c)")({"c": 3}) == 3


def test_any_other_fault_of_the_library_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of error that jmespath may yet invent is still a fault of the expression."""

    def fail(text: str) -> None:
        raise jmespath.exceptions.JMESPathError

    monkeypatch.setattr(jmespath, "compile", fail)

    with pytest.raises(ExpressionInvalid, match="'type' is not JMESPath"):
        compile_expression("type")


@given(text=st.text(max_size=30) | st.text(alphabet="ab.[]{}()|&!'`\",:0* @<=>", max_size=20))
def test_whatever_is_written_compiles_or_is_told(text: str) -> None:
    """A configuration file holds anything; none of it may crash the program."""
    told = ""
    try:
        with warnings.catch_warnings(action="ignore"):
            compile_expression(text)
    except ExpressionInvalid as error:
        told = str(error)

    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "body", "told"),
    [
        ("starts_with(type, 'a')", {"type": 7}, "starts_with() takes string, and was given number"),
        ("type < id", {"type": "a", "id": 1}, "TypeError"),
        ("items[0:1:0]", {"items": [1]}, "ValueError"),
    ],
)
def test_an_evaluation_that_fails_says_why_but_never_on_what(text: str, body: object, told: str) -> None:
    """The reason is logged and shown; the values belong to somebody."""
    expression = compile_expression(text)

    with pytest.raises(ExpressionFailed) as raised:
        expression(body)

    assert f"{text}: {told}" == str(raised.value)


def test_an_expression_keeps_its_text() -> None:
    """It is shown as it was written."""
    assert compile_expression("[kind, id]").text == "[kind, id]"


@pytest.mark.parametrize("false", [None, False, "", [], {}])
def test_nothing_is_false(false: object) -> None:
    """JMESPath: false and null, and the empty string, list and object."""
    assert not is_true(false)


@pytest.mark.parametrize("true", [True, 0, 0.0, "0", [0], {"a": None}])
def test_everything_else_is_true(true: object) -> None:
    """JMESPath: zero is a value like any other."""
    assert is_true(true)


def test_a_term_finds_a_header_in_any_case() -> None:
    """`header:NAME` needs no body, and header names have no case."""
    term = compile_term("header:X-Shop-Topic")

    assert term(a_request(headers=[("x-shop-topic", "orders")]), UNREAD) == "orders"
    assert term(a_request(), UNREAD) is None
    assert not term.reads_body


def test_a_header_that_not_every_edition_sends_leaves_it_to_the_body() -> None:
    """Its absence says nothing about the request, so it is no missing value, with which a request is refused."""
    term = compile_term("header:Idempotency-Key || body")

    assert term(a_request(headers=[("idempotency-key", "k1")]), UNREAD) == "k1"
    assert not term.reads_body
    for headers in ([], [("Idempotency-Key", "")]):
        with pytest.raises(ExpressionFailed):
            term(a_request(headers=headers), UNREAD)


def test_a_term_finds_a_field_of_the_body() -> None:
    """Any other term is an expression over the body, which must be read for it."""
    term = compile_term("data.id")

    assert term(a_request(), Document({"data": {"id": 5}}, is_json=True)) == 5
    assert term(a_request(), UNREAD) is None
    assert term.reads_body


@pytest.mark.parametrize(
    "text", ["header:", "header: ", "header:X Y", "header:Ä", "header:a:b", "header:a || id", "header: || body"]
)
def test_a_term_without_a_header_name_is_told(text: str) -> None:
    """A header that cannot be sent would silently never be found."""
    with pytest.raises(ExpressionInvalid, match="names no header"):
        compile_term(text)


def test_a_complaint_of_an_expression_in_several_lines_is_one_line() -> None:
    """A fault of a configuration is one line."""
    with pytest.raises(ExpressionInvalid) as raised:
        compile_expression("`{b,\n c`")

    assert str(raised.value).isprintable()
