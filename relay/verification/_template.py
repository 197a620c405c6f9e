"""What a signature covers, as a template of the request's parts: `{id}.{timestamp}.{body}`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter

from relay.domain import InboundRequest
from relay.errors import ExpressionInvalid
from relay.verification._wire import as_sent

Part = tuple[bytes, str | None]  # a literal, then the field that follows it


@dataclass(frozen=True, slots=True)
class Stamp:
    """What else a signature may cover, as the headers say it."""

    timestamp: str = ""
    id: str = ""


FIELDS: Mapping[str, Callable[[InboundRequest, Stamp], bytes]] = {
    "body": lambda request, stamp: request.body,
    "timestamp": lambda request, stamp: as_sent(stamp.timestamp),
    "id": lambda request, stamp: as_sent(stamp.id),
    "url": lambda request, stamp: as_sent(request.url),
    "method": lambda request, stamp: as_sent(request.method),
    "path": lambda request, stamp: as_sent(request.path),
}


def parse_template(text: str) -> tuple[Part, ...]:
    """Take a template apart. A brace of its own is written twice. Errors: ExpressionInvalid."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise ExpressionInvalid(f"{text!r} is no template: {error}") from error
    for _, name, specification, conversion in parsed:
        if name is not None and (name not in FIELDS or specification or conversion):
            known = " ".join(f"{{{field}}}" for field in FIELDS)
            raise ExpressionInvalid(f"{text!r} holds {{{name}}}: expected {known}")
    if not any(name for _, name, _, _ in parsed):
        raise ExpressionInvalid(f"{text!r} covers nothing of a request: one signature would fit them all")
    return tuple((literal.encode(), name) for literal, name, _, _ in parsed)


def covered(parts: tuple[Part, ...], request: InboundRequest, stamp: Stamp) -> Iterator[bytes]:
    """Yield the bytes that are signed, piece by piece: a large body is not copied."""
    for literal, name in parts:
        yield literal
        if name is not None:
            yield FIELDS[name](request, stamp)
