"""What a signature covers, as a template of the request's parts: `{id}.{timestamp}.{body}`."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from string import Formatter
from urllib.parse import parse_qsl

import orjson

from relay.domain import InboundRequest, Refusal
from relay.errors import ExpressionInvalid
from relay.identity import FORM_FIELDS_MAX, is_form
from relay.verification._wire import as_sent, only_header

LIST_HEADER, LIST_TIME_HEADER = "x-contentful-signed-headers", "x-contentful-timestamp"
IN_BODY = "body."  # `{body.signature.token}`: a value of the JSON body, by the names and numbers on the way to it
DECODED = re.compile(rb"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)  # : / ? @ ! $ ' ( ) * , ;
Part = tuple[bytes, str | None]  # a literal, then the field that follows it


@dataclass(frozen=True, slots=True)
class Stamp:
    """What else a signature may cover: as the headers say it, and the body as data where that is read."""

    timestamp: str = ""
    id: str = ""
    document: object = None


Field = Callable[[InboundRequest, Stamp], bytes | None]


def parse_template(text: str) -> tuple[Part, ...]:
    """Take a template apart. A brace of its own is written twice. Errors: ExpressionInvalid."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise ExpressionInvalid(f"{text!r} is no template: {error}") from error
    for _, name, specification, conversion in parsed:
        if name is not None and (not _is_field(name) or specification or conversion):
            known = " ".join(f"{{{field}}}" for field in FIELDS)
            raise ExpressionInvalid(f"{text!r} holds {{{repr(name)[1:-1]}}}: expected {known}")  # on one line
    if not any(name for _, name, _, _ in parsed):
        raise ExpressionInvalid(f"{text!r} covers nothing of a request: one signature would fit them all")
    return tuple((literal.encode(), name) for literal, name, _, _ in parsed)


def covers_time(names: Collection[str | None], timestamp_header: str | None) -> bool:
    """Tell whether a template with these fields covers the time that a header holds."""
    is_listed = "listed_headers" in names and (timestamp_header or "").lower() == LIST_TIME_HEADER
    return "timestamp" in names or is_listed


def covered(parts: tuple[Part, ...], request: InboundRequest, stamp: Stamp) -> list[bytes] | None:
    """Return the bytes that are signed, piece by piece: a large body is not copied. None: something is not there."""
    pieces = []
    for literal, name in parts:
        pieces.append(literal)
        if name is not None:
            if (piece := _field(name)(request, stamp)) is None:
                return None
            pieces.append(piece)
    return pieces


def value_at(document: object, path: str) -> object:
    """Follow a path such as `items.0.id` through data; None where it ends early."""
    for step in path.split("."):
        match document:
            case dict():
                document = document.get(step)
            case list() if step.isdecimal() and int(step) < len(document):
                document = document[int(step)]
            case _:
                return None
    return document


def _is_field(name: str) -> bool:
    return name in FIELDS or (name.startswith(IN_BODY) and all(name.split(".")))


@cache
def _field(name: str) -> Field:
    if name in FIELDS:
        return FIELDS[name]
    path = name.removeprefix(IN_BODY)
    return lambda request, stamp: _as_text(value_at(stamp.document, path))


def _as_text(value: object) -> bytes | None:
    """Write a value as a vendor joins it with others: text as it is, nothing as nothing, the rest as JSON has it."""
    match value:
        case None:
            return b""
        case str():
            return as_sent(value)
        case bool() | int() | float():
            return orjson.dumps(value)
        case _:
            return None


def _form(request: InboundRequest, _: Stamp) -> bytes | None:
    """Join the form's fields, sorted, each name and value once; any other body stands by its digest in the URL.

    Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security.
    """
    if is_form(request.headers.get("Content-Type")):
        pairs = _form_pairs(request.body)
        return None if pairs is None else b"".join(_sorted_pieces(pairs))
    pairs = _form_pairs(as_sent(request.query_string)) or []
    claimed = [value for name, value in pairs if name == "bodySHA256"]
    digest = hashlib.sha256(request.body).hexdigest().encode()
    is_covered = len(claimed) == 1 and compare_digest(as_sent(claimed[0]), digest)
    return b"" if is_covered else None


def _decoded_url(request: InboundRequest, _: Stamp) -> bytes | None:
    """Return the URL with the characters decoded that HubSpot decodes before it signs, and no others.

    Source: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests.
    """
    return DECODED.sub(lambda found: bytes([int(found[1], 16)]), as_sent(request.url))


def _listed_headers(request: InboundRequest, _: Stamp) -> bytes | None:
    """Join the headers that another header lists, sorted, as `name:value;name:value`; list and time must be among them.

    Source: https://www.contentful.com/developers/docs/extensibility/app-framework/request-verification/.
    """
    listed = only_header(request, LIST_HEADER)
    if isinstance(listed, Refusal):
        return None
    names = sorted(name.strip().lower() for name in listed.split(","))
    values = [value for name in names if isinstance(value := only_header(request, name), str)]
    if not {LIST_HEADER, LIST_TIME_HEADER} <= set(names) or len(values) < len(names):
        return None
    return as_sent(";".join(f"{name}:{value}" for name, value in zip(names, values, strict=True)))


def _form_pairs(body: bytes) -> list[tuple[str, str]] | None:
    try:
        text = body.decode("utf-8", "surrogateescape")
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=FORM_FIELDS_MAX)
    except ValueError:  # more fields than anybody sends
        return None


def _sorted_pieces(pairs: list[tuple[str, str]]) -> Iterator[bytes]:
    """Yield names and values in the order in which they are signed."""
    for name, value in sorted(set(pairs)):
        yield as_sent(name)
        yield as_sent(value)


FIELDS: Mapping[str, Field] = {
    "body": lambda request, stamp: request.body,
    "timestamp": lambda request, stamp: as_sent(stamp.timestamp),
    "id": lambda request, stamp: as_sent(stamp.id),
    "url": lambda request, stamp: as_sent(request.url),
    "decoded_url": _decoded_url,
    "method": lambda request, stamp: as_sent(request.method),
    "path": lambda request, stamp: as_sent(request.path),
    "form": _form,
    "listed_headers": _listed_headers,
}
