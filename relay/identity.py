"""What a request is called: its type, and the key that makes two requests the same event.

A stored key is one of these, and no two of them can look alike:

    evt_1                     a string, as it is
    json:["booking",42]       any other value, in canonical JSON
    type:invoice LF json:[…]  the same, where the term is one type's own: keys of different types never meet
    body:<SHA-256>            no term: the digest of the raw body
    sha256:<SHA-256>          any of them, over 200 bytes; and a string that begins like one of them
"""

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import orjson

from relay.domain import ANY_TYPE, UNREAD, Document, Event, Identification, InboundRequest, Refusal, Source, Term
from relay.errors import ExpressionFailed

UNKNOWN_TYPE = "unknown"
TYPE_CHARACTERS_MAX = 200
KEY_BYTES_MAX = 200
FORM = "application/x-www-form-urlencoded"
FORM_FIELDS_MAX = 1000

_TEXT, _JSON, _TYPE, _BODY, _DIGEST = b"text:", b"json:", b"type:", b"body:", b"sha256:"
_MARKS = (_JSON, _TYPE, _BODY, _DIGEST)
_SHA256 = hashlib.sha256()  # to be copied: OpenSSL looks a digest up by its name each time it is begun
_EXACT_BELOW = 2**53  # a float this large may stand for several integers of a body: IEEE 754 binary64
_GZIP, _ZLIB, _RAW_DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def read(
    body: bytes, content_encoding: str | None, bytes_max: int, content_type: str | None = None
) -> Document | Refusal:
    """Parse a body, unpacked only for that; whatever it holds, nothing is raised.

    bytes_max: bound on the unpacked body. What is neither JSON nor, by its type, a form, or packed in a way we do
    not know, is an unread document.
    """
    content = unpacked(body, content_encoding, bytes_max)
    if content is None:
        return UNREAD
    if isinstance(content, Refusal):
        return content
    document = parse(content)
    return document if document.is_json or not is_form(content_type) else _read_form(content)


def unpacked(body: bytes, content_encoding: str | None, bytes_max: int) -> bytes | Refusal | None:
    """Undo a content coding, or return None where it is not one we know."""
    return _unpack(body, (content_encoding or "identity").strip().lower(), bytes_max)


def identify(
    request: InboundRequest,
    source: Source,
    document: Document,
    now: datetime,
    event_id: str,
    secret_number: int | None = None,
) -> Event | Refusal:
    """Name a proven request: make it an event, or say why it cannot be one. secret_number: what proved it."""
    identification = source.identification
    if identification.needs_json and not document.is_json:
        return Refusal.UNREADABLE
    event_type = _type_of(identification.type, request, document)
    key = _key_of(identification, event_type, request, document)
    if key is None:
        return Refusal.KEYLESS
    return Event(
        id=event_id,
        source=source.name,
        type=event_type,
        key=key,
        key_expires_at=_expiry(identification.windows, event_type, now),
        received_at=now,
        headers=_kept_headers(request, source.unkept_headers),
        body=request.body,
        secret_number=secret_number,
    )


def _unpack(body: bytes, encoding: str, bytes_max: int) -> bytes | Refusal | None:
    """Undo a content coding (RFC 9110, 8.4.1), or return None where it is not one we know."""
    match encoding:
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflate(body, _GZIP, bytes_max)
        case "deflate":  # zlib by the book; some senders leave its envelope out
            has_envelope = body[:1] != b"" and body[0] & 0x0F == zlib.DEFLATED
            return _inflate(body, _ZLIB if has_envelope else _RAW_DEFLATE, bytes_max)
        case _:
            return None


def _inflate(body: bytes, window_bits: int, bytes_max: int) -> bytes | Refusal:
    """Unpack one stream that is the whole body. gzip could chain several: no sender does, and each costs a pass."""
    stream = zlib.decompressobj(window_bits)
    try:
        unpacked = stream.decompress(body, bytes_max + 1)
    except zlib.error:
        return Refusal.UNREADABLE
    if len(unpacked) > bytes_max:
        return Refusal.TOO_LARGE
    return unpacked if stream.eof and not stream.unused_data else Refusal.UNREADABLE


def parse(body: bytes) -> Document:
    """Read JSON; what is none is an unread document."""
    try:
        return Document(orjson.loads(body), is_json=True)
    except orjson.JSONDecodeError:  # also nesting over 1024 levels, lone surrogates, NaN, infinite numbers, a BOM
        return UNREAD


def is_form(content_type: str | None) -> bool:
    """Tell whether a body is a form by its content type."""
    return (content_type or "").partition(";")[0].strip().lower() == FORM


def _read_form(body: bytes) -> Document:
    """Read a form as an object of texts; a field that comes several times is a list of them."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_MAX)
    except ValueError:  # no UTF-8, or more fields than anybody sends
        return UNREAD
    return Document({name: values[0] if len(values) == 1 else values for name, values in fields.items()})


def _type_of(term: Term | None, request: InboundRequest, document: Document) -> str:
    """Return the event's type as one line of printable text, fit for a header, a label and a log."""
    try:
        found = term(request, document) if term else None
    except ExpressionFailed:  # an event whose type cannot be told is still an event
        return UNKNOWN_TYPE
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return UNKNOWN_TYPE
    return _printable(str(found)[:TYPE_CHARACTERS_MAX].strip()) or UNKNOWN_TYPE


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _key_of(
    identification: Identification, event_type: str, request: InboundRequest, document: Document
) -> bytes | None:
    """Return the key to store, or None where the source names one and the request has none.

    A term that fails, unlike one that finds nothing, says nothing about the request: its digest will do.
    """
    own = identification.keys.get(event_type)
    term = own or identification.keys.get(ANY_TYPE)
    if term is None:
        return _digest_of(request.body)
    if term.reads_body and document is UNREAD:  # what an expression makes of nothing, it makes of every such body
        return None
    try:
        found = term(request, document)
    except ExpressionFailed:
        return _digest_of(request.body)
    marked = _marked(found)
    if marked is None:
        return None
    return _bounded(marked if own is None else _TYPE + event_type.encode() + b"\n" + marked)


def _digest_of(body: bytes) -> bytes:
    digest = _SHA256.copy()
    digest.update(body)
    return _BODY + digest.hexdigest().encode()


def _marked(value: object) -> bytes | None:
    """Write a key's value as bytes that no other value has, or None where it is none.

    A list or an object with a hole is none: a missing part must not make two events alike. Nor is a number that
    may have been another one before it was read.
    """
    if isinstance(value, str):
        return _TEXT + value.encode("utf-8", "surrogatepass") if value else None
    if value is None or _has_hole(value):
        return None
    try:
        canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # nested over 254 levels, or an integer over 64 bits
        return None
    return None if has_inexact_number(value) else _JSON + canonical


def _has_hole(value: object) -> bool:
    """Tell whether a list or an object, as `[kind, id]` and `{kind: kind, id: id}` make them, lacks a part."""
    match value:
        case list():
            return not value or None in value
        case dict():
            return not value or None in value.values()
        case _:
            return False


def has_inexact_number(value: object) -> bool:
    """Tell whether a float stands in it that several integers would be read as: orjson makes one over 64 bits."""
    match value:
        case float():
            return not abs(value) < _EXACT_BELOW  # so that NaN is one, too
        case list():
            return any(map(has_inexact_number, value))
        case dict():
            return any(map(has_inexact_number, value.values()))
        case _:
            return False


def _bounded(marked: bytes) -> bytes:
    """Take the mark from plain text, and replace what is long, or what then looks like another kind of key."""
    key = marked.removeprefix(_TEXT)
    is_ambiguous = marked.startswith(_TEXT) and key.startswith(_MARKS)
    if len(key) <= KEY_BYTES_MAX and not is_ambiguous:
        return key
    return _DIGEST + hashlib.sha256(marked).hexdigest().encode()


def _expiry(windows: Mapping[str, timedelta | None], event_type: str, now: datetime) -> datetime | None:
    """Say until when a repeat is a duplicate: for ever, where nothing else is said or the calendar ends sooner."""
    window = windows.get(event_type, windows.get(ANY_TYPE))
    try:
        return None if window is None else now + window
    except OverflowError:
        return None


def _kept_headers(request: InboundRequest, unkept: frozenset[str]) -> tuple[tuple[str, str], ...]:
    if not unkept:
        return tuple(request.headers.items())
    return tuple([(name, value) for name, value in request.headers.items() if name.lower() not in unkept])
