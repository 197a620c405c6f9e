"""Expressions over a parsed body: JMESPath with our functions, compiled once; `header:NAME` where a term may be one.

What configurations are made of (fields, chains and lists of them, `a || b`) is read directly, several times
faster than by jmespath's interpreter; everything else is left to it, node by node, so the language is the same.
Source: https://jmespath.org/specification.html
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any

import jmespath
from jmespath import exceptions
from jmespath.visitor import Options, TreeInterpreter

from relay.domain import Document, Expression, InboundRequest, Term
from relay.errors import ExpressionFailed, ExpressionInvalid
from relay.expressions.functions import FUNCTIONS, AllFunctions, Unfit

HEADER = "header:"
OR_BODY = " || body"

_Reader = Callable[[Any], Any]
_INTERPRETER = TreeInterpreter(Options(custom_functions=AllFunctions()))
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    """An expression ready to be evaluated, as often as needed, from any thread."""

    text: str
    read: _Reader = field(repr=False, compare=False)

    def __call__(self, data: object) -> object:
        """Evaluate over `data`. Errors: ExpressionFailed, which names types but never a value."""
        try:
            return self.read(data)
        except Exception as error:  # jmespath lets TypeError, OverflowError and more through: all mean the same
            raise ExpressionFailed(f"{self.text}: {_reason(error)}") from error


@dataclass(frozen=True, slots=True)
class BodyTerm:
    """A term that is found in the body."""

    expression: Expression
    reads_body: bool = field(default=True, init=False)

    def __call__(self, request: InboundRequest, document: Document) -> object:
        """Return what the expression finds; None where the body is no JSON. Errors: ExpressionFailed."""
        return self.expression(document.value)


@dataclass(frozen=True, slots=True)
class HeaderTerm:
    """A term that is the first header of a name."""

    name: str
    is_optional: bool = False  # whether its absence says nothing, rather than that there is no such value
    reads_body: bool = field(default=False, init=False)

    @property
    def text(self) -> str:
        """Return it as it is written."""
        return f"{HEADER}{self.name}{OR_BODY if self.is_optional else ''}"

    def __call__(self, request: InboundRequest, document: Document) -> object:
        """Return the header's value, or None. Errors: ExpressionFailed, where it is optional and there is none."""
        found = request.headers.get(self.name)
        if self.is_optional and not found:
            raise ExpressionFailed(f"{self.text}: there is no such header")
        return found


def compile_term(text: str) -> Term:
    """Compile `header:NAME`, `header:NAME || body`, or an expression over the body. Errors: ExpressionInvalid."""
    if not text.startswith(HEADER):
        return BodyTerm(compile_expression(text))
    written = text.removeprefix(HEADER).strip()
    name = written.removesuffix(OR_BODY)
    if not _HEADER_NAME.fullmatch(name):
        raise ExpressionInvalid(f"{text!r} names no header: expected {HEADER}NAME")
    return HeaderTerm(name, is_optional=name != written)


def compile_expression(text: str) -> CompiledExpression:
    """Compile JMESPath. Errors: ExpressionInvalid, in one line, with the text and the column (from 1)."""
    try:
        tree = jmespath.compile(text).parsed
        _check_calls(tree, text)
        return CompiledExpression(text, _reader(tree))
    except exceptions.JMESPathError as error:
        raise ExpressionInvalid(_complaint(text, error)) from error
    except RecursionError as error:
        raise ExpressionInvalid(f"{text[:40]!r}… is nested too deeply") from error
    except ValueError as error:  # more digits than Python reads
        raise ExpressionInvalid(f"{text[:40]!r}… holds a number that is too long") from error


def is_true(value: object) -> bool:
    """Apply JMESPath's truth: false, null, and empty strings, lists and objects are not; zero is."""
    return value is True or not (value is None or value is False or value in ("", [], {}))


def _reader(node: Any) -> _Reader:
    """Turn a node of jmespath's tree into a function, or leave it to the interpreter."""
    match node["type"]:
        case "field":
            return partial(_read_field, node["value"])
        case "subexpression" | "pipe":
            return partial(_read_in_turn, [_reader(child) for child in node["children"]])
        case "multi_select_list":
            return partial(_read_each, [_reader(child) for child in node["children"]])
        case "or_expression":
            first, second = node["children"]
            return partial(_read_either, _reader(first), _reader(second))
        case _:
            return partial(_INTERPRETER.visit, node)


def _read_field(name: str, data: Any) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _read_each(readers: list[_Reader], data: Any) -> Any:
    return None if data is None else [read(data) for read in readers]


def _read_in_turn(readers: list[_Reader], data: Any) -> Any:
    for read in readers:
        data = read(data)
    return data


def _read_either(first: _Reader, second: _Reader, data: Any) -> Any:
    found = first(data)
    return found if is_true(found) else second(data)


def _check_calls(tree: Any, text: str) -> None:
    """Find calls that can never succeed; jmespath itself would only tell when they are evaluated."""
    for node in _walk(tree):
        if node["type"] == "function_expression":
            _check_call(node["value"], len(node["children"]), text)


def _check_call(name: str, given: int, text: str) -> None:
    if name not in AllFunctions.FUNCTION_TABLE:
        near = get_close_matches(name, AllFunctions.FUNCTION_TABLE, n=1)
        hint = f"; did you mean {near[0]}()?" if near else ""
        raise ExpressionInvalid(f"{text!r} calls {name}(), which is no function{hint}")
    wanted = AllFunctions.FUNCTION_TABLE[name]["signature"]
    least = len(wanted)
    is_endless = name not in FUNCTIONS and bool(wanted) and wanted[-1].get("variadic", False)
    most = len(FUNCTIONS[name].takes) if name in FUNCTIONS else least
    if given < least or (given > most and not is_endless):
        expected = f"{least}" if least == most else f"{least} to {most}"
        raise ExpressionInvalid(f"{text!r} calls {name}() with {given} arguments: expected {expected}")


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):  # the children of a slice are numbers
            yield from _walk(child)


def _complaint(text: str, error: exceptions.JMESPathError) -> str:
    """Say in one line what is wrong with an expression, and where."""
    match error:
        case exceptions.EmptyExpressionError():
            return "an expression cannot be empty"
        case exceptions.LexerError():
            problem = error.message if error.message.isprintable() else repr(error.message)  # it repeats the text
            return f"{text!r}: {problem} at column {error.lexer_position + 1}"
        case exceptions.ParseError(token_type=None | "EOF"):
            return f"{text!r} ends too early"
        case exceptions.ParseError():
            return f"{text!r}: unexpected {error.token_value!r} at column {error.lex_position + 1}"
        case _:
            return f"{text!r} is not JMESPath"


def _reason(error: Exception) -> str:
    """Say why an evaluation failed, without the value that it failed on."""
    if isinstance(error, exceptions.JMESPathTypeError):
        expected = " or ".join(error.expected_types)
        return f"{error.function_name}() takes {expected}, and was given {error.actual_type}"
    if isinstance(error, Unfit):
        return str(error)
    return type(error).__name__
