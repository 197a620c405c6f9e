"""How an event is changed on its way out: what a route says of it, and what that comes to for one delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.domain.values import Expression

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")
BODILESS = frozenset({"DELETE", "GET"})  # they carry a body only where one is shaped


@dataclass(frozen=True, slots=True)
class Shape:
    """What is sent in place of the event as it came. Each part is an expression over it; None: as it came.

    path: evaluates to what follows the path of the target's URL, percent-encoded.
    """

    body: Expression | None = None
    method: Expression | None = None
    path: Expression | None = None
    query: Mapping[str, Expression] = field(default_factory=dict)
    headers: Mapping[str, Expression] = field(default_factory=dict)

    @property
    def needs_call(self) -> bool:
        """Tell whether more than the body differs."""
        return bool(self.method or self.path or self.query or self.headers)


@dataclass(frozen=True, slots=True)
class Call:
    """How one delivery is sent by HTTP, where it is not simply posted to the target's URL."""

    method: str = "POST"
    path: str = ""  # percent-encoded, beginning with a slash where there is one
    query: str = ""  # percent-encoded, without "?"
    headers: tuple[tuple[str, str], ...] = ()
