"""Text with expressions in braces, `{source}-{invoice.id}.pdf`, and paths made of such.

A path's values come from strangers: each stays within its own segment, and every segment is one that any file
system takes for a plain name. What the file itself spells out is left as it is.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from relay.domain import Expression
from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.expressions import compile_expression

KNOWN_OF_EVERY_EVENT = frozenset({"id", "event_id", "source", "type", "received_at"})
SEGMENT_BYTES_MAX = 180  # file systems take 255; the rest is for what is put before or behind
EXTENSION_BYTES_MAX = 16
DIGEST_DIGITS = 12

# Names of devices on Windows, whatever the extension: shares and synchronised folders end there.
# Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[/\\<>:"|?*]')  # by the same source, and by each separator of paths

_Part = str | Expression


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A template ready to be filled in, as often as needed, from any thread. Fulfils `relay.domain.Template`."""

    text: str
    parts: tuple[_Part, ...] = field(repr=False, compare=False)

    @property
    def reads_body(self) -> bool:
        """Tell whether an expression asks for more than what is known of every event."""
        return _reads_body(self.parts)

    def __call__(self, data: object) -> str:
        """Fill in what the expressions find in `data`: nothing for null. Errors: ExpressionFailed."""
        return "".join(part if isinstance(part, str) else _text_of(part, data) for part in self.parts)


@dataclass(frozen=True, slots=True)
class CompiledPath:
    """A path ready to be filled in. Fulfils `relay.domain.PathTemplate`."""

    text: str
    segments: tuple[tuple[_Part, ...], ...] = field(repr=False, compare=False)

    @property
    def reads_body(self) -> bool:
        """Tell whether an expression asks for more than what is known of every event."""
        return any(map(_reads_body, self.segments))

    def __call__(self, data: object) -> tuple[str, ...]:
        """Return the path's segments; the first is `/` where it is absolute. Errors: ExpressionFailed."""
        return tuple(_segment(parts, data) for parts in self.segments)


def compile_template(text: str) -> CompiledTemplate:
    """Compile text with `{EXPRESSION}` in it; a brace of its own is written twice. Errors: ExpressionInvalid."""
    return CompiledTemplate(text, tuple(parts_of(text)))


def compile_path(text: str) -> CompiledPath:
    """Compile a path with `{EXPRESSION}` in it. Errors: ExpressionInvalid."""
    if not text.isprintable():
        raise ExpressionInvalid("a path cannot hold a control character")
    segments = list(_split(parts_of(text)))
    if not segments[-1]:
        raise ExpressionInvalid(f"{text!r} ends without a name")
    if ("..",) in segments:
        raise ExpressionInvalid(f"{text!r} climbs with `..`: expected a path that only descends")
    root = [("/",)] if not segments[0] else []
    return CompiledPath(text, (*root, *(segment for segment in segments if segment not in ((), (".",)))))


def parts_of(text: str) -> Iterator[_Part]:
    """Take a template apart, into literals and expressions. Errors: ExpressionInvalid."""
    literal, place = "", 0
    while place < len(text):
        if text[place : place + 2] in ("{{", "}}"):
            literal, place = literal + text[place], place + 2
        elif text[place] == "}":
            raise ExpressionInvalid(f"{text!r}: a `}}` at column {place + 1} closes nothing")
        elif text[place] == "{":
            expression, end = _expression_at(text, place + 1)
            yield from filter(None, [literal])
            yield expression
            literal, place = "", end + 1
        else:
            literal, place = literal + text[place], place + 1
    yield from filter(None, [literal])


def _expression_at(text: str, start: int) -> tuple[Expression, int]:
    """Return the shortest expression that begins there, and where its brace is: it may hold braces of its own."""
    complaint = ExpressionInvalid(f"{text!r}: the `{{` at column {start} is never closed")
    for end in (match.start() for match in re.finditer("}", text[start:])):
        try:
            return compile_expression(text[start : start + end]), start + end
        except ExpressionInvalid as error:
            complaint = error
    raise complaint


def _split(parts: Iterator[_Part]) -> Iterator[tuple[_Part, ...]]:
    """Split at each slash that the template itself spells out."""
    segment: list[_Part] = []
    for part in parts:
        if not isinstance(part, str):
            segment.append(part)
            continue
        first, *others = part.split("/")
        segment += filter(None, [first])
        for other in others:
            yield tuple(segment)
            segment = list(filter(None, [other]))
    yield tuple(segment)


def _reads_body(parts: tuple[_Part, ...]) -> bool:
    return any(not isinstance(part, str) and part.text.strip() not in KNOWN_OF_EVERY_EVENT for part in parts)


def _text_of(expression: Expression, data: object) -> str:
    match expression(data):
        case None:
            return ""
        case bool(truth):
            return "true" if truth else "false"
        case str() | int() | float() as value:
            return str(value)
        case value:
            kind = "a list" if isinstance(value, list) else "an object"
            raise ExpressionFailed(f"{expression.text}: finds {kind}, where text belongs")


def _segment(parts: tuple[_Part, ...], data: object) -> str:
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    filled = "".join(part if isinstance(part, str) else _plain(_text_of(part, data)) for part in parts)
    is_hidden = isinstance(parts[0], str) and parts[0].startswith(".")
    return _bounded(_as_name(filled, is_hidden=is_hidden))


def _plain(text: str) -> str:
    """Return a value without anything that means something to a file system, in the one form of each character."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(character if character.isprintable() else "_" for character in _FORBIDDEN.sub("_", composed))


def _as_name(text: str, *, is_hidden: bool) -> str:
    """Return a plain name: not empty, not special, not hidden unless the template says so."""
    name = text.strip(" ").rstrip(". ")
    if name.startswith(".") and not is_hidden:
        name = f"_{name[1:]}"
    return f"_{name}" if not name or _DEVICE.fullmatch(name) else name


def _bounded(name: str) -> str:
    """Cut a name that is too long, before its extension, and tell it apart from others that begin alike."""
    raw = name.encode()
    if len(raw) <= SEGMENT_BYTES_MAX:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = f"{dot}{extension}" if stem and len(extension.encode()) <= EXTENSION_BYTES_MAX else ""
    mark = f"~{hashlib.sha256(raw).hexdigest()[:DIGEST_DIGITS]}{ending}"
    return raw[: SEGMENT_BYTES_MAX - len(mark.encode())].decode(errors="ignore") + mark
