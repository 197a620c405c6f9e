"""What a body may have been before something on the way read it and wrote it anew."""

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

Guess = tuple[str, bytes]  # what happened, in words; what was signed

BOM = b"\xef\xbb\xbf"
BYTES_UNPACKED_MAX = 100 * 1024 * 1024
REWRITTEN = "the body was re-encoded on the way: as JSON it was signed"

FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("without spaces", {"separators": (",", ":")}),
    ("with a space after colons and commas", {}),
    ("indented by 2 spaces", {"indent": 2}),
    ("indented by 4 spaces", {"indent": 4}),
    ("indented by tabs", {"indent": "\t"}),
    ("with 2 spaces after colons", {"separators": (",", ":  ")}),
    ("with a space after colons only", {"separators": (",", ": ")}),
)


def bodies(body: bytes) -> Iterator[Guess]:
    """Yield what may have been signed in place of a body, the likelier first."""
    for guesses in (_ends, _json, _forms, _encodings, _wrappings):
        yield from ((words, guess) for words, guess in guesses(body) if guess != body)


def _ends(body: bytes) -> Iterator[Guess]:
    yield "a line break was added at the end of the body on the way", body.rstrip(b"\r\n")
    yield "white space was added around the body on the way", body.strip()
    yield "the line break at the end of the body was lost on the way", body + b"\n"
    yield "the line break (CRLF) at the end of the body was lost on the way", body + b"\r\n"
    unix = body.replace(b"\r\n", b"\n")
    yield "line breaks were changed from LF to CRLF on the way", unix
    yield "line breaks were changed from CRLF to LF on the way", unix.replace(b"\n", b"\r\n")
    yield "a byte order mark was put before the body on the way", body.removeprefix(BOM)
    yield "the byte order mark before the body was lost on the way", BOM + body.removeprefix(BOM)


def _json(body: bytes) -> Iterator[Guess]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    for sort, order in ((False, ""), (True, ", its keys sorted")):
        for is_escaped, letters in ((False, ""), (True, ", letters outside of ASCII escaped")):
            for form, settings in FORMS:
                text = json.dumps(value, sort_keys=sort, ensure_ascii=is_escaped, **settings)
                words = f"{REWRITTEN} {form}{order}{letters}"
                yield words, text.encode("utf-8", "surrogatepass")
                yield f"{words}, slashes escaped", text.replace("/", "\\/").encode("utf-8", "surrogatepass")
    if isinstance(value, str):
        yield "the body was put into a JSON text on the way", value.encode("utf-8", "surrogatepass")


def _forms(body: bytes) -> Iterator[Guess]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return
    ways: tuple[tuple[str, Callable[..., str], str], ...] = (
        ("spaces as +", lambda text, *_: quote(text, safe="").replace("%20", "+"), ""),
        ("spaces as %20", lambda text, *_: quote(text, safe=""), ""),
        ("spaces as %20, and `*` and `'` as they are", lambda text, *_: quote(text, safe="*'()!"), ""),
    )
    for ordered, order in ((pairs, ""), (sorted(pairs), ", its fields sorted")):
        for words, quoting, _ in ways:
            text = urlencode(ordered, quote_via=quoting)
            yield f"the form was re-encoded on the way: it was signed with {words}{order}", text.encode()


def _encodings(body: bytes) -> Iterator[Guess]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        yield "the body was changed from UTF-8 to Latin-1 on the way", body.decode("latin-1").encode()
        return
    try:
        yield "the body was changed from Latin-1 to UTF-8 on the way", text.encode("latin-1")
    except UnicodeEncodeError:
        return


def _wrappings(body: bytes) -> Iterator[Guess]:
    for words, window_bits in (("gzip", 16 + zlib.MAX_WBITS), ("deflate", zlib.MAX_WBITS)):
        try:
            unpacked = zlib.decompressobj(window_bits).decompress(body, BYTES_UNPACKED_MAX)
        except zlib.error:
            continue
        yield f"the body was packed ({words}) on the way, after it was signed", unpacked
    with suppress(binascii.Error, ValueError):
        yield "the body was written as base64 on the way", base64.b64decode(body, validate=True)
    yield "the body was lost on the way: an empty one was signed", b""
