"""Requests that were refused, kept for a while: to be shown with their reason, and admitted once that is mended."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay.domain import Refusal


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused request, whole. Its headers, query and token may be credentials: they are verified with, never shown.

    number: 0 until it is kept. is_whole: False where it was refused before its body was read.
    """

    number: int
    source: str
    refusal: Refusal
    received_at: datetime
    method: str
    origin: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    remote: str
    token: str | None
    body: bytes
    is_whole: bool = True
    event_id: str | None = None  # what it became when it was admitted


@dataclass(frozen=True, slots=True)
class RejectionRow:
    """A refused request in a list."""

    number: int
    source: str
    refusal: Refusal
    received_at: datetime
    remote: str
    body_bytes: int
    is_whole: bool
    event_id: str | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: what is older, or comes after so many or so many bytes of newer ones, is dropped."""

    before: datetime
    count: int
    body_bytes: int


class Rejections(Protocol):
    """A bounded heap, the newest first."""

    async def keep(self, rejections: Sequence[Rejection], bounds: Bounds) -> None:
        """Keep these, and drop what is outside of the bounds then."""
        ...

    async def page(
        self, source: str | None, refusal: Refusal | None, after: int | None, limit: int
    ) -> list[RejectionRow]:
        """Return rejections, the newest first. after: the last number of the page before."""
        ...

    async def one(self, number: int) -> Rejection | None:
        """Return one whole, or None."""
        ...

    async def admitted_as(self, event_id: str) -> RejectionRow | None:
        """Return the first one that became an event, or None."""
        ...

    async def holding(self, text: str, numbers: Sequence[int]) -> Set[int]:
        """Tell which of these have a text in their bodies, where it is looked for as in those of events."""
        ...

    async def note_admitted(self, number: int, event_id: str) -> None:
        """Keep what a rejection became."""
        ...
