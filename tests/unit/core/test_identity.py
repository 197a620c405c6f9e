"""Type and key: what makes two requests the same event, and never two events the same."""

import gzip
import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import ANY_TYPE, UNREAD, Document, Event, Identification, InboundRequest, Refusal, Source
from relay.expressions import compile_term
from relay.identity import identify, read
from tests.unit.core.arrange import NOW, a_request, wire_texts

MIB = 1024 * 1024
WINDOW = timedelta(days=7)

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8)
values = st.recursive(
    scalars | st.floats(-(2.0**52), 2.0**52),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def a_source(
    *,
    type: str | None = "type",  # noqa: A002  the field's own name
    keys: Mapping[str, str] | None = None,
    windows: Mapping[str, timedelta | None] | None = None,
    needs_json: bool = False,
) -> Source:
    terms = {of: compile_term(text) for of, text in (keys or {}).items()}
    naming = Identification(compile_term(type) if type else None, terms, windows or {ANY_TYPE: WINDOW}, needs_json)
    return Source("shop", (), naming, unkept_headers=frozenset({"authorization"}))


def named(source: Source, value: object = None, request: InboundRequest | None = None) -> Event | Refusal:
    """Name a request whose body is `value`."""
    request = request or a_request(json.dumps(value).encode())
    document = read(request.body, None, MIB)
    assert isinstance(document, Document)
    return identify(request, source, document, NOW, "evt_1")


def key_of(value: object, term: str = "id", *, keys: Mapping[str, str] | None = None) -> bytes | Refusal:
    event = named(a_source(keys=keys or {ANY_TYPE: term}), value)
    return event.key if isinstance(event, Event) else event


# Reading


@pytest.mark.parametrize("body", [b"{}", b"null", b'"text"', b"[1, 2]", b" 7 "])
def test_json_is_read(body: bytes) -> None:
    """Any JSON value is a document, null among them."""
    assert Document(json.loads(body), is_json=True) == read(body, None, MIB)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"type=invoice",
        b"<xml/>",
        b"{'a': 1}",
        b'{"a": 1',
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"1" * 1_000_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 5000 + b"]" * 5000,
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b"\x00",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_is_left_unread(body: bytes) -> None:
    """A wrong or hostile body is no fault of ours, and no document."""
    assert read(body, None, MIB) is UNREAD


@given(body=st.binary(max_size=200), encoding=st.sampled_from(["", "gzip", "deflate", "br", "identity"]) | wire_texts)
def test_nothing_that_is_sent_raises(body: bytes, encoding: str) -> None:
    """Neither bytes nor their declared packing are to be believed."""
    assert isinstance(read(body, encoding, MIB), Document | Refusal)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        (" GZip ", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
        (None, bytes),
    ],
)
def test_a_packed_body_is_unpacked_to_be_read(encoding: str | None, pack: type[bytes]) -> None:
    """Senders pack in these ways, and some leave out the envelope that `deflate` has by the book."""
    assert Document({"a": 1}, is_json=True) == read(pack(b'{"a": 1}'), encoding, MIB)


def test_an_unknown_packing_is_left_unread() -> None:
    """The bytes are kept as they came; only their fields cannot be read."""
    assert read(b"{}", "br", MIB) is UNREAD
    assert read(gzip.compress(gzip.compress(b"{}")), "gzip, gzip", MIB) is UNREAD


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_grows_too_large_is_refused(encoding: str) -> None:
    """A bomb of a kilobyte must not become a gigabyte: unpacking stops at the bound, and never just cuts."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    body = b"[" + b" " * 2046 + b"]"

    assert Document([], is_json=True) == read(pack(body), encoding, 2048)
    assert read(pack(body), encoding, 2047) is Refusal.TOO_LARGE

    bomb = pack(b" " * 50_000_000)
    tracemalloc.start()
    assert read(bomb, encoding, 2048) is Refusal.TOO_LARGE
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < MIB


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"", lambda b: b"{}", lambda b: b + b]
)
def test_a_broken_packing_is_refused(encoding: str, spoil: type[bytes]) -> None:
    """Cut, with something behind it, empty, or not packed at all."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress

    assert read(spoil(pack(b'{"a": 1}')), encoding, MIB) is Refusal.UNREADABLE


# Type


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("rental.booked", "rental.booked"),
        (" spaced ", "spaced"),
        ("création", "création"),
        (42, "42"),
        (1.5, "1.5"),
        ("a" * 300, "a" * 200),
        ("a\r\nX-Evil: 1", "a\ufffd\ufffdX-Evil: 1"),
        ("a\u202eb\x00c", "a\ufffdb\ufffdc"),
        ("", "unknown"),
        ("\n", "unknown"),
        (None, "unknown"),
        (True, "unknown"),
        (["a"], "unknown"),
        ({"a": 1}, "unknown"),
    ],
)
def test_a_type_is_one_line_of_text(value: object, expected: str) -> None:
    """It goes into headers, labels, logs and the dashboard; what is no name is "unknown"."""
    event = named(a_source(), {"type": value})

    assert isinstance(event, Event)
    assert expected == event.type


def test_a_source_without_a_type_sends_unknown_ones() -> None:
    """It is optional."""
    event = named(a_source(type=None), {"type": "a"})

    assert isinstance(event, Event)
    assert event.type == "unknown"


def test_a_type_in_a_header_is_fit_for_a_header_again() -> None:
    """Bytes that are no text arrive as surrogates, which nothing could be made of again."""
    request = a_request(headers=[("X-Topic", b"orders/\xff".decode("utf-8", "surrogateescape"))])
    event = named(a_source(type="header:X-Topic"), request=request)

    assert isinstance(event, Event)
    assert event.type == "orders/\ufffd"


def test_an_expression_that_fails_loses_no_event() -> None:
    """The contract: the event is kept, its type unknown and its key the digest of its body."""
    event = named(a_source(type="length(type)", keys={ANY_TYPE: "length(id)"}), {"type": 1, "id": 1})

    assert isinstance(event, Event)
    assert event.type == "unknown"
    assert b"body:" + hashlib.sha256(event.body).hexdigest().encode() == event.key


# Key


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("evt_1", b"evt_1"),
        ("é", "é".encode()),
        (42, b"json:42"),
        (0, b"json:0"),
        (False, b"json:false"),
        (1.5, b"json:1.5"),
        (2**64 - 1, b"json:18446744073709551615"),
        (["booking", 42], b'json:["booking",42]'),
        ({"b": {"d": None, "c": 1}, "a": [None]}, b'json:{"a":[null],"b":{"c":1,"d":null}}'),
    ],
)
def test_a_key_is_a_string_as_it_is_or_canonical_json(value: object, expected: bytes) -> None:
    """The order of fields and the white space between them make no difference."""
    assert expected == key_of({"id": value})


@pytest.mark.parametrize("value", [None, "", [], {}, [None], ["a", None], {"a": None}, {"a": 1, "b": None}])
def test_a_missing_key_is_refused(value: object) -> None:
    """A key with a hole would make two events alike."""
    assert key_of({"id": value}) is Refusal.KEYLESS


def test_a_key_whose_parts_are_absent_is_refused() -> None:
    """The same, as it happens: a field is missing, or the body is nothing to look into."""
    assert key_of({"kind": "a"}, "[kind, id]") is Refusal.KEYLESS
    assert key_of({"kind": "a"}, "{k: kind, i: id}") is Refusal.KEYLESS
    assert key_of("text", "[kind, id]") is Refusal.KEYLESS
    assert key_of(None, "[kind, id]") is Refusal.KEYLESS


@pytest.mark.parametrize("number", ["9007199254740993.0", "18446744073709551617", "-9223372036854775809", "1e300"])
@pytest.mark.parametrize("shape", ["%s", "[1, %s]", '{"a": [{"b": %s}]}'])
def test_a_number_that_may_have_been_another_is_no_key(number: str, shape: str) -> None:
    """Integers over 64 bits are read as floats: two different ids would look alike."""
    body = ('{"id": ' + shape % number + "}").encode()

    assert named(a_source(keys={ANY_TYPE: "id"}), request=a_request(body)) is Refusal.KEYLESS


@pytest.mark.parametrize("text", ["to_number('inf')", "to_number('nan')", "sum([id, id])"])
def test_what_no_json_can_hold_is_no_key(text: str) -> None:
    """An expression can make numbers that a body cannot hold."""
    assert key_of({"id": 2**64 - 1}, text) is Refusal.KEYLESS


def test_a_key_nested_too_deeply_is_refused() -> None:
    """It can be read, but not written again."""
    deep: object = 1
    for _ in range(400):
        deep = [deep]

    assert key_of({"id": deep}) is Refusal.KEYLESS


@given(one=values, other=values)
def test_two_keys_are_alike_only_if_their_values_are(one: object, other: object) -> None:
    """A duplicate is dropped, so nothing may be one by accident: neither "1" and 1, nor ["a"] and its text."""
    for value in (one, json.dumps(one, separators=(",", ":")), f"json:{json.dumps(one)}"):
        first, second = key_of({"id": value}), key_of({"id": other})
        if isinstance(first, bytes) and first == second:
            assert json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize("size", [201, 5_000_000])
def test_a_long_key_is_replaced_by_its_digest(size: int) -> None:
    """Keys are bounded, and stay as different as they were."""
    key, other = key_of({"id": "a" * size}), key_of({"id": "a" * (size - 1) + "b"})

    assert b"sha256:" + hashlib.sha256(b"text:" + b"a" * size).hexdigest().encode() == key
    assert key != other
    assert b"a" * 200 == key_of({"id": "a" * 200})


def test_a_short_key_cannot_pass_for_another_kind() -> None:
    """A sender may choose ids that look like what we store; they are digested, so that nothing meets."""
    long = "a" * 300
    digest = key_of({"id": long})
    assert isinstance(digest, bytes)
    body_digest = hashlib.sha256(json.dumps({"id": 1}).encode()).hexdigest()

    disguised = [digest.decode(), "json:[1]", "type:a\njson:1", f"body:{body_digest}", "text:a"]

    assert digest != key_of({"id": disguised[0]})
    assert key_of({"id": [1]}) != key_of({"id": disguised[1]})
    assert len(disguised) == len({key_of({"id": text}) for text in disguised})


def test_without_a_key_the_body_is_one() -> None:
    """The default: the same bytes again are the same event."""
    event = named(a_source(), {"id": 1})

    assert isinstance(event, Event)
    assert b"body:" + hashlib.sha256(b'{"id": 1}').hexdigest().encode() == event.key


@pytest.mark.parametrize("term", ["to_string(@)", "'one'", "join('-', [to_string(id)])"])
def test_what_an_expression_makes_of_nothing_is_no_key(term: str) -> None:
    """It makes the same of every body that is no JSON: all of them would be one event."""
    request = a_request(b"<first/>")

    assert Refusal.KEYLESS is named(a_source(keys={ANY_TYPE: term}), request=request)


def test_a_key_in_an_absent_header_is_the_body_where_the_file_says_so() -> None:
    """Two bodies are two events, and one sent twice is one."""
    source = a_source(keys={ANY_TYPE: "header:X-Id || body"})
    first, again, other = (named(source, request=a_request(body)) for body in (b"{}", b"{}", b"[]"))

    assert isinstance(first, Event)
    assert first == again
    assert isinstance(other, Event)
    assert first.key != other.key


def test_types_without_a_term_of_their_own_take_the_one_for_any() -> None:
    """And a type that has one takes that."""
    keys = {"invoice": "number", ANY_TYPE: "id"}

    assert key_of({"type": "other", "id": "7", "number": "9"}, keys=keys) == b"7"
    assert key_of({"type": "invoice", "id": "7", "number": "9"}, keys=keys) == b"type:invoice\ntext:9"


def test_a_type_that_no_term_knows_is_known_by_its_body() -> None:
    """A vendor's new type must not be refused."""
    key = key_of({"type": "brand_new"}, keys={"invoice": "number"})

    assert b"body:" + hashlib.sha256(b'{"type": "brand_new"}').hexdigest().encode() == key


def test_keys_of_different_types_never_meet() -> None:
    """Invoice 7 and order 7 are two events."""
    keys = {"invoice": "id", "order": "id"}

    assert key_of({"type": "invoice", "id": 7}, keys=keys) != key_of({"type": "order", "id": 7}, keys=keys)


@given(value=wire_texts.filter(bool))
def test_a_key_in_a_header_is_whatever_was_sent(value: str) -> None:
    """Bytes that are no text are bytes still."""
    request = a_request(b"no json", [("X-Id", value)])
    for keys in ({ANY_TYPE: "header:X-Id"}, {"unknown": "header:X-Id"}):
        event = named(a_source(keys=keys), request=request)

        assert isinstance(event, Event)
        assert len(event.key) <= 200


# The event


def test_an_event_is_what_came() -> None:
    """Bytes are sacred: the body is the one that was sent, the headers are those, in their order, as written."""
    request = a_request(b"anything", [("X-B", "2"), ("Authorization", "Basic x"), ("x-a", "1"), ("X-B", "1")])

    expected = Event(
        id="evt_1",
        source="shop",
        type="unknown",
        key=b"body:" + hashlib.sha256(b"anything").hexdigest().encode(),
        key_expires_at=NOW + WINDOW,
        received_at=NOW,
        headers=(("Content-Type", "application/json"), ("X-B", "2"), ("x-a", "1"), ("X-B", "1")),
        body=b"anything",
    )

    assert expected == named(a_source(), request=request)


def test_a_source_that_needs_json_refuses_anything_else() -> None:
    """The sender hears of it at once, instead of the receiver never."""
    source = a_source(needs_json=True)

    assert named(source, request=a_request(b"type=invoice")) is Refusal.UNREADABLE
    assert isinstance(named(source, {"type": "invoice"}), Event)


@pytest.mark.parametrize(
    ("event_type", "expires_at"),
    [("invoice", None), ("notice", NOW + timedelta(minutes=10)), ("other", NOW + WINDOW), ("aeon", None)],
)
def test_a_key_lives_for_the_window_of_its_type(event_type: str, expires_at: object) -> None:
    """None is for ever, and so is what ends after the calendar does."""
    windows = {"invoice": None, "notice": timedelta(minutes=10), "aeon": timedelta.max, ANY_TYPE: WINDOW}
    event = named(a_source(windows=windows), {"type": event_type})

    assert isinstance(event, Event)
    assert expires_at == event.key_expires_at


def test_a_packed_event_is_named_by_what_it_holds_and_kept_as_it_came() -> None:
    """The receiver gets the very bytes, with the header that says how they are packed."""
    request = replace(a_request(), body=gzip.compress(b'{"type": "order.paid"}'))
    document = read(request.body, "gzip", MIB)
    assert isinstance(document, Document)

    event = identify(request, a_source(), document, NOW, "evt_1")

    assert isinstance(event, Event)
    assert event.type == "order.paid"
    assert request.body is event.body
