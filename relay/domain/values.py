"""Values that are spoken of everywhere: secrets, rates, documents, and expressions over them."""

from dataclasses import dataclass
from hmac import compare_digest
from typing import Protocol

from relay.domain.frozen import value


class Secret:
    """A value that is compared, signed with and sent, and never printed."""

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else value

    def reveal(self) -> bytes:
        """Return the value itself, for use at the very place that needs it."""
        return self._value

    def text(self) -> str:
        """Return the value as text, for a header or a URL."""
        return self._value.decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` things in each period of `per_s` seconds."""

    count: int
    per_s: float


@value(frozen=True, slots=True)
class Document:
    """A body as data, parsed at most once. `is_json` is false where it could not be, or need not be, read."""

    value: object = None
    is_json: bool = False


UNREAD = Document()


class Template(Protocol):
    """Text with expressions in it. Raises `ExpressionFailed` where one cannot be evaluated, or finds no text."""

    @property
    def text(self) -> str:
        """Return the template as it was written."""

    @property
    def reads_body(self) -> bool:
        """Tell whether an expression asks for more than what is known of every event."""

    def __call__(self, data: object) -> str:
        """Fill in what the expressions find in `data`."""


class PathTemplate(Protocol):
    """A path with expressions in it, of which each value stays within its own segment."""

    @property
    def text(self) -> str:
        """Return the path as it was written."""

    @property
    def reads_body(self) -> bool:
        """Tell whether an expression asks for more than what is known of every event."""

    def __call__(self, data: object) -> tuple[str, ...]:
        """Return the path's segments; the first is `/` where it is absolute."""


class Expression(Protocol):
    """A compiled expression over data. Raises `ExpressionFailed` where it cannot be evaluated."""

    @property
    def text(self) -> str:
        """Return the expression as it was written."""

    def __call__(self, data: object) -> object:
        """Evaluate over `data`."""
