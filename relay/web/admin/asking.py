"""What may be asked of an endpoint, declared once: it is checked by it, and described by it."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from relay.config.misfits import listing, nearest
from relay.web.admin.problems import Problem
from relay.web.cursors import LIMIT_MAX

E = TypeVar("E", bound=StrEnum)

BODY_BYTES_MAX = 64 * 1024
TEXT_MAX = 500
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what no text in a database can hold


class Parameter(Protocol):
    """A query parameter. Errors of `read`: ValueError, with what is expected."""

    @property
    def name(self) -> str: ...  # noqa: D102 - said above

    @property
    def text(self) -> str:
        """Return what it means."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return its form as JSON Schema."""

    def read(self, given: str) -> object:
        """Return its value."""


@dataclass(frozen=True, slots=True)
class Words:
    """Any text that is not empty."""

    name: str
    text: str

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return its form."""
        return {"type": "string", "minLength": 1, "maxLength": TEXT_MAX}

    def read(self, given: str) -> str:
        """Return it as it is."""
        if not 0 < len(given) <= TEXT_MAX or UNSTORABLE.search(given):
            raise ValueError(f"expected 1 to {TEXT_MAX} characters, without NUL")
        return given


@dataclass(frozen=True, slots=True)
class Choice(Generic[E]):
    """One of a few words."""

    name: str
    text: str
    choices: type[E]

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return its form."""
        return {"type": "string", "enum": [choice.value for choice in self.choices]}

    def read(self, given: str) -> E:
        """Find the word."""
        try:
            return self.choices(given)
        except ValueError:
            near = nearest(given, [choice.value for choice in self.choices])
            hint = f"; did you mean `{near}`?" if near else ""
            raise ValueError(f"expected {listing(choice.value for choice in self.choices)}{hint}") from None


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    name: str
    text: str
    least: int
    most: int
    default: int

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return its form."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most, "default": self.default}

    def read(self, given: str) -> int:
        """Read it in digits."""
        if not re.fullmatch(r"[0-9]{1,10}", given) or not self.least <= int(given) <= self.most:
            raise ValueError(f"expected a whole number from {self.least} to {self.most}")
        return int(given)


@dataclass(frozen=True, slots=True)
class Time:
    """A moment."""

    name: str
    text: str

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return its form."""
        return {"type": "string", "format": "date-time", "examples": ["2026-07-01T12:00:00Z"]}

    def read(self, given: str) -> datetime:
        """Read ISO 8601; without a zone it is UTC."""
        try:
            time = datetime.fromisoformat(given)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise ValueError("expected a time such as 2026-07-01T12:00:00Z") from None


LIMIT = Whole("limit", "How many a page has at most.", 1, LIMIT_MAX, 50)
SINCE = Time("since", "Received then or later.")
UNTIL = Time("until", "Received before.")


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose parts have been checked. query: those that were given, or have a default. body: its model."""

    http: web.Request
    query: Mapping[str, Any]
    body: Any = None

    def place(self, name: str) -> str:
        """Return a part of the path."""
        return self.http.match_info[name]

    def named(self, name: str, pattern: str) -> str | None:
        """Return a part of the path that is of a form, or None where it is not."""
        given = self.place(name)
        return given if re.fullmatch(pattern, given) else None

    def number(self, name: str) -> int | None:
        """Return a part of the path that is a number, or None where it is none."""
        given = self.place(name)
        return int(given) if re.fullmatch(r"[0-9]{1,18}", given) else None


Serve = Callable[[Call], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. answer: the name of a schema. problems: other statuses, each with when it is given."""

    method: str
    path: str
    serve: Serve
    summary: str
    answer: str
    status: int = 200
    query: Sequence[Parameter] = ()
    body: type[BaseModel] | None = None
    problems: Mapping[int, str] = field(default_factory=dict)

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """Check what is asked, and answer it."""
        query = read_query(http, self.query)
        body = await read_body(http, self.body) if self.body else None
        return await self.serve(Call(http, query, body))


def read_query(http: web.Request, known: Sequence[Parameter]) -> dict[str, Any]:
    """Read every parameter of a query. Errors: Problem, for one that is unknown, wrong, or given twice."""
    by_name = {parameter.name: parameter for parameter in known}
    values: dict[str, Any] = {each.name: each.default for each in known if isinstance(each, Whole)}
    seen: set[str] = set()
    for name, given in http.query.items():
        if name not in by_name:
            raise Problem(400, _unknown(name, by_name), name)
        if name in seen:
            raise Problem(400, f"`{name}` is given twice; expected once.", name)
        seen.add(name)
        try:
            values[name] = by_name[name].read(given)
        except ValueError as fault:
            raise Problem(400, f"`{name}`: {fault}.", name) from None
    return values


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    if not known:
        return "Nothing is asked of this in the query; expected none."
    near = nearest(name, known)
    return f"Unknown parameter; {f'did you mean `{near}`?' if near else f'expected {listing(known)}.'}"


async def read_body(http: web.Request, model: type[BaseModel]) -> BaseModel:
    """Read a body of JSON; none is one without fields. Errors: Problem."""
    raw = b""
    async for piece in http.content.iter_chunked(BODY_BYTES_MAX):
        raw += piece
        if len(raw) > BODY_BYTES_MAX:
            raise Problem(413, f"The body is too large; expected {BODY_BYTES_MAX} bytes at most.")
    if raw and http.content_type != "application/json":
        raise Problem(415, "Expected `Content-Type: application/json`.")
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise Problem(400, _fault(fault["type"], where, fault["msg"], model), where or None) from None


def _fault(kind: str, where: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        near = nearest(where, model.model_fields)
        hint = f"did you mean `{near}`?" if near else f"expected {listing(model.model_fields)}."
        return f"`{where}`: unknown field; {hint}"
    return f"`{where}`: {message}." if where else f"{message}."
