"""Text from strangers, as a terminal may show it: nothing in it is obeyed, hidden, or read backwards."""

import re
import sys
import textwrap
from shutil import get_terminal_size
from typing import Any

import click
import orjson

BODY_CHARACTERS_MAX = 10_000
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LINE_MIN = 30
_COMMAND = re.compile("`[^`]*`")
_GLUE = "\x1f"  # stands in no text that is shown
_UNUSUAL = re.compile(r"[^ -~\n]")


def plain(text: str, characters_max: int | None = None) -> str:
    """Return a text on one line: what is no visible character stands there as an escape; cut where it is too long."""
    if characters_max is not None and len(text) > characters_max:
        text = f"{text[: characters_max - 1]}…"
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def plain_body(body: bytes, characters_max: int = BODY_CHARACTERS_MAX) -> str:
    """Return the beginning of a body as text in lines."""
    head = body[: characters_max * 4].decode("utf-8", "replace")
    shown = "\n".join(map(plain, head[:characters_max].replace("\t", "    ").split("\n")))
    rest = len(body) - len(head[:characters_max].encode())
    return f"{shown}… and {rest:,} bytes more" if rest > 0 else shown


def terminal_width() -> int | None:
    """Return how many columns the terminal has that is written to, or None where it is a file or a pipe."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def wrapped(text: str, indent: int = 0) -> str:
    """Break a text where it is too long for the terminal; a command in backticks stays whole, to be copied.

    indent: where further lines begin, and how much of the first one is taken already.
    """
    wide = terminal_width()
    if wide is None:
        return text
    glued = _COMMAND.sub(lambda match: match[0].replace(" ", _GLUE), text)
    lines = textwrap.wrap(glued, max(wide - indent, LINE_MIN), break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines).replace(_GLUE, " ")


def echo_json(told: Any) -> None:
    """Print JSON on a line. It is shown by terminals, too: what is no visible character stands there as an escape."""
    click.echo(_UNUSUAL.sub(_in_json, orjson.dumps(told).decode()))


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _in_json(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))
