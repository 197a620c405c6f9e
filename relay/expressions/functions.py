"""The functions that our expressions have beside JMESPath's own. The reference page is made from this table.

None of them reads the environment, the clock or chance: what an event becomes depends on the event alone, so that
every attempt sends the same.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import orjson
from jmespath.functions import Functions

from relay.expressions.money import money
from relay.expressions.times import formatted, iso8601

OURS = UUID("6a0f1d5e-8d53-5c43-9a44-2f7f1d0c7b1e")  # the name space of `uuid`; must never change

Types = tuple[str, ...]
ANYTHING: Types = ()


class Unfit(Exception):
    """A function of ours cannot be applied to a value, which its words never repeat."""


@dataclass(frozen=True, slots=True)
class Example:
    """A call as it is shown, and what it comes to; run by a test."""

    text: str
    result: object


@dataclass(frozen=True, slots=True)
class Function:
    """One function: what it takes, by type of JMESPath, and what it does."""

    call: Callable[..., object]
    takes: tuple[Types, ...]
    does: str
    examples: tuple[Example, ...]
    written: str  # as a person would call it
    needed: int | None = None  # how many arguments must be given; all, unless said

    @property
    def least(self) -> int:
        """Return how many arguments must be given."""
        return len(self.takes) if self.needed is None else self.needed


def _split(text: str, separator: str) -> list[str]:
    if not separator:
        raise ValueError("an empty separator")
    return text.split(separator)


def _base64_encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64_decode(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("what is no text in base64") from error


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _uuid(value: object) -> str:
    try:
        return str(uuid5(OURS, orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()))
    except orjson.JSONEncodeError as error:
        raise ValueError("a value that JSON cannot hold") from error


STRING: Types = ("string",)
STRING_OR_NUMBER: Types = ("string", "number")

FUNCTIONS: Mapping[str, Function] = {
    "money": Function(
        money,
        (STRING_OR_NUMBER, STRING),
        "An amount with its currency, exact. What can be read in two ways, such as `1,234`, fails, unless the decimal "
        "sign is given. `currency` is null where none is named; `$` alone is USD, `¥` alone JPY.",
        (
            Example("money('$93.50')", {"amount": "93.50", "currency": "USD"}),
            Example("money('1.234,56 €')", {"amount": "1234.56", "currency": "EUR"}),
            Example("money('CHF 1\\'234.50').amount", "1234.50"),
            Example("money('¥1,200').amount", "1200"),
            Example("money('1,234', '.').amount", "1234"),
        ),
        "money(TEXT) or money(TEXT, DECIMAL_SIGN)",
        needed=1,
    ),
    "iso8601": Function(
        iso8601,
        (STRING_OR_NUMBER,),
        "A time as ISO 8601 in UTC, of seconds or milliseconds since 1970, or of ISO 8601 with a zone.",
        (
            Example("iso8601(`1735689600000`)", "2025-01-01T00:00:00Z"),
            Example("iso8601('2025-01-01T01:00:00+01:00')", "2025-01-01T00:00:00Z"),
        ),
        "iso8601(TIME)",
    ),
    "date": Function(
        formatted,
        (STRING_OR_NUMBER, STRING, STRING),
        "A time as a day, or in any form of `strftime`, in UTC or the zone that is given.",
        (
            Example("date(`1735689600000`)", "2025-01-01"),
            Example("date('2025-01-01T23:30:00Z', '%d.%m.%Y', 'Europe/Paris')", "02.01.2025"),
        ),
        "date(TIME) or date(TIME, FORM) or date(TIME, FORM, ZONE)",
        needed=1,
    ),
    "split": Function(
        _split,
        (STRING, STRING),
        "The parts of a text between separators.",
        (Example("split('a/b', '/')", ["a", "b"]),),
        "split(TEXT, SEPARATOR)",
    ),
    "replace": Function(
        str.replace,
        (STRING, STRING, STRING),
        "A text with every occurrence of one part replaced by another.",
        (Example("replace('a b c', ' ', '-')", "a-b-c"),),
        "replace(TEXT, PART, OTHER)",
    ),
    "lower": Function(
        str.lower, (STRING,), "A text in small letters.", (Example("lower('EUR')", "eur"),), "lower(TEXT)"
    ),
    "upper": Function(
        str.upper, (STRING,), "A text in capital letters.", (Example("upper('eur')", "EUR"),), "upper(TEXT)"
    ),
    "base64_decode": Function(
        _base64_decode,
        (STRING,),
        "The text that stands in base64. It fails where that is no text in UTF-8.",
        (Example("base64_decode('aGVsbG8=')", "hello"),),
        "base64_decode(TEXT)",
    ),
    "base64_encode": Function(
        _base64_encode,
        (STRING,),
        "A text in base64.",
        (Example("base64_encode('hello')", "aGVsbG8="),),
        "base64_encode(TEXT)",
    ),
    "sha256": Function(
        _sha256,
        (STRING,),
        "The SHA-256 of a text, in hex.",
        (Example("sha256('')", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),),
        "sha256(TEXT)",
    ),
    "uuid": Function(
        _uuid,
        (ANYTHING,),
        "A UUID (version 5) that is derived from its argument: equal for equal values, at every attempt, everywhere.",
        (Example("uuid('R121439')", "c2af8598-e941-5374-8a8a-f46795bbac14"),),
        "uuid(ANYTHING)",
    ),
}


class AllFunctions(Functions):
    """JMESPath's functions, and ours."""


def _entry(name: str, function: Function) -> dict[str, object]:
    """Return a function as jmespath's table holds it, which knows of no argument that may be left out."""
    needed: list[dict[str, object]] = [{"types": list(types)} for types in function.takes[: function.least]]
    if len(function.takes) > function.least:
        needed[-1]["variadic"] = True

    def call(functions: Any, *arguments: object) -> object:
        for given, types in zip(arguments[function.least :], function.takes[function.least :], strict=False):
            functions._type_check_single(given, types, name)  # noqa: SLF001 - as for all others
        try:
            return function.call(*arguments)
        except ValueError as error:
            raise Unfit(f"{name}() was given {error}") from error

    return {"function": call, "signature": needed}


AllFunctions.FUNCTION_TABLE = {
    **Functions.FUNCTION_TABLE,
    **{name: _entry(name, function) for name, function in FUNCTIONS.items()},
}
