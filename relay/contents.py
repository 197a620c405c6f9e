"""What a target that takes no request is given of an event: names for its templates, and a document out of it."""

from base64 import b64decode
from dataclasses import dataclass

import orjson

from relay.domain import UNREAD, Content, Document, Event, Refusal, Template
from relay.errors import ContentMissing, ExpressionFailed
from relay.identity import read
from relay.routing import environment

UNPACKED_BYTES_MAX = 256 * 1024**2  # of a packed body, which was accepted under its source's own bound

_BLANKS = bytes.maketrans(b"", b""), b" \t\r\n"


def document_of(event: Event) -> Document:
    """Parse an event's body, unpacked where it came packed; what cannot be read is an unread document."""
    document = read(event.body, event.header("Content-Encoding"), UNPACKED_BYTES_MAX)
    return UNREAD if isinstance(document, Refusal) else document


def names_of(event: Event, document: Document) -> dict[str, object]:
    """Make what templates and contents see: what `when` does, and `id`, the event's; `body.id` is still the body's."""
    return {**environment(event, document), "id": event.id}


def content_of(event: Event, names: dict[str, object], content: Content) -> bytes:
    """Return the bytes that a target is to be given. Errors: ContentMissing, in words and without a value.

    Text is UTF-8; what else an expression finds is written as JSON.
    """
    found = event.body if content.expression is None else _found(names, content)
    return _decoded(found) if content.is_base64 else found


def _found(names: dict[str, object], content: Content) -> bytes:
    expression = content.expression
    assert expression is not None  # noqa: S101 - asked by the caller
    try:
        value = expression(names)
        if value is None:
            raise ContentMissing(f"`{expression.text}` finds nothing in the body")
        return value.encode() if isinstance(value, str) else orjson.dumps(value)
    except (ExpressionFailed, orjson.JSONEncodeError, UnicodeEncodeError) as error:
        reason = str(error) if isinstance(error, ExpressionFailed) else "what it finds cannot be written"
        raise ContentMissing(f"`{expression.text}` fails: {reason}") from error


def _decoded(text: bytes) -> bytes:
    """Decode base64 as documents come in it: in one line or many, by either alphabet, padded or not."""
    characters = text.translate(*_BLANKS).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return b64decode(characters + b"=" * (-len(characters) % 4), validate=True)
    except ValueError as error:
        raise ContentMissing("what stands where base64 is expected is none") from error


@dataclass(frozen=True, slots=True)
class Message:
    """What a stream or a queue is given of an event. place: the stream's or subject's name, filled in."""

    event: Event
    place: str
    content: bytes
    content_type: str


def message_of(event: Event, content: Content, place: Template) -> Message:
    """Make an event a message. Errors: ContentMissing, ExpressionFailed."""
    needs_body = place.reads_body or content.expression is not None
    names = names_of(event, document_of(event) if needs_body else UNREAD)
    content_type = (event.header("Content-Type") or "") if content.expression is None else ""
    return Message(event, place(names), content_of(event, names, content), content_type)
