"""What a target that takes no request is given of an event."""

import base64
import gzip
from dataclasses import replace

import orjson
import pytest

from relay.contents import content_of, document_of, names_of
from relay.domain import Content, Event
from relay.errors import ContentMissing
from relay.expressions import compile_expression
from tests.builders import an_event

PDF = b"%PDF-1.7 \xff\xfe?>"


def content(event: Event, expression: str | None = None, *, is_base64: bool = False) -> bytes:
    chosen = Content(compile_expression(expression) if expression else None, is_base64)
    return content_of(event, names_of(event, document_of(event)), chosen)


def of(value: object) -> Event:
    return an_event(body=orjson.dumps(value))


def test_the_whole_body_is_given_as_it_came() -> None:
    """Bytes are sacred, whatever they are."""
    assert b"\xff\x00" == content(an_event(body=b"\xff\x00"))


@pytest.mark.parametrize(("value", "written"), [("é", "é".encode()), ({"a": 1}, b'{"a":1}'), ([], b"[]"), (0, b"0")])
def test_text_is_given_as_it_is_and_all_else_as_json(value: object, written: bytes) -> None:
    """A document is mostly text; a part of the body is still JSON."""
    assert written == content(of({"x": value}), "x")


def test_names_are_at_hand_beside_the_body() -> None:
    """As in `when`; and `id` is the event's, while the body's is still there."""
    event = of({"id": 5, "n": 7})

    assert f'["{event.id}",5,"shop",7]'.encode() == content(event, "[id, body.id, source, n]")


def test_a_packed_body_is_read_too() -> None:
    """It was accepted so."""
    event = replace(an_event(body=gzip.compress(b'{"x": "y"}')), headers=(("content-encoding", "gzip"),))

    assert b"y" == content(event, "x")


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(PDF).decode(),
        base64.encodebytes(PDF).decode().replace("\n", "\r\n "),
        base64.b64encode(PDF).decode().rstrip("="),
        base64.urlsafe_b64encode(PDF).decode(),
    ],
    ids=["plain", "in lines", "unpadded", "urlsafe"],
)
def test_base64_is_decoded_in_every_form(text: str) -> None:
    """As mail, as URLs and as hasty programs write it."""
    assert PDF == content(of({"x": text}), "x", is_base64=True)


@pytest.mark.parametrize(
    ("event", "expression", "is_base64", "words"),
    [
        (of({}), "invoice.data", False, "`invoice.data` finds nothing in the body"),
        (an_event(body=b"no JSON"), "invoice.data", False, "`invoice.data` finds nothing in the body"),
        (of({"x": 1}), "length(x)", False, "`length(x)` fails: length(x): length() takes"),
        (of({"x": "s3cret!"}), "x", True, "what stands where base64 is expected is none"),
        (of({"x": "s3cre"}), "x", True, "what stands where base64 is expected is none"),
    ],
)
def test_what_is_not_there_is_told_without_the_body(event: Event, expression: str, is_base64: bool, words: str) -> None:
    """Nothing would be delivered in its place; and a body is no matter for a log."""
    with pytest.raises(ContentMissing) as raised:
        content(event, expression, is_base64=is_base64)

    assert str(raised.value).startswith(words)
    assert "s3cre" not in str(raised.value)
