"""The path of a request, with expressions in braces: `/invoices/{invoice.id}/lines`."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from relay.domain import Expression
from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.templates import parts_of

PATH_CHARACTERS_MAX = 2000

_LITERAL = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")  # RFC 3986, 3.3
_DOTS = re.compile(r"(?:\.|%2[eE]){1,2}")  # a segment that a server may resolve to another place


@dataclass(frozen=True, slots=True)
class RequestPath:
    """A path, filled in and percent-encoded: whatever a value holds, it stays within its segment."""

    text: str
    parts: tuple[str | Expression, ...]

    def __call__(self, data: object) -> str:
        """Fill in. Errors: ExpressionFailed, where a value is missing, or would lead elsewhere."""
        path = "/" + "".join(part if isinstance(part, str) else _filled(part, data) for part in self.parts).lstrip("/")
        if len(path) > PATH_CHARACTERS_MAX:
            raise ExpressionFailed(f"{self.text}: a path over {PATH_CHARACTERS_MAX} characters")
        if _climbs(path):
            raise ExpressionFailed(f"{self.text}: a segment of the path is `.` or `..`, and would lead elsewhere")
        return path


def compile_request_path(text: str) -> RequestPath:
    """Compile a path. Errors: ExpressionInvalid."""
    parts = tuple(parts_of(text))
    literals = [part for part in parts if isinstance(part, str)]
    if not text or not all(_LITERAL.fullmatch(literal) for literal in literals):
        raise ExpressionInvalid(f"{text!r} is no path: expected one such as /invoices/{{invoice.id}}, without ? and #")
    if text.startswith("//") or _climbs("".join(part if isinstance(part, str) else "x" for part in parts)):
        raise ExpressionInvalid(f"{text!r} would lead elsewhere: expected a path below the target's own")
    return RequestPath(text, parts)


def _filled(expression: Expression, data: object) -> str:
    written = as_text(expression, data)
    if not written:
        raise ExpressionFailed(f"{expression.text}: nothing was found for the path")
    try:
        return quote(written, safe="")
    except UnicodeEncodeError as error:
        raise ExpressionFailed(f"{expression.text}: text that has no bytes") from error


def _climbs(path: str) -> bool:
    return any(_DOTS.fullmatch(segment) for segment in path.split("/"))


def as_text(expression: Expression, data: object) -> str | None:
    """Evaluate to text: of a number its digits, of a truth `true` or `false`; None where nothing is found.

    Errors: ExpressionFailed, also for a list or an object.
    """
    match expression(data):
        case None:
            return None
        case bool(truth):
            return str(truth).lower()
        case str(text):
            return text
        case int() | float() as number:
            return repr(number)
        case _:
            raise ExpressionFailed(f"{expression.text}: a list or an object was found; expected text or a number")
