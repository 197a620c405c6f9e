"""Text from strangers, as a terminal may show it: nothing in it is obeyed, hidden, or read backwards."""

import re
from typing import Any

import click
import orjson

BODY_CHARACTERS_MAX = 10_000
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
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
